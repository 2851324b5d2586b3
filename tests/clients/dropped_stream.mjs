// A classic stream that is cut must come back and go on: the official TypeScript SDK reconnects by itself, without a second
// `initialize`. This stands between client and server, cuts every connection, waits for the new stream and calls again.
// Told by the environment: MCP_SDK (sdk-1.17, which Poke runs, or sdk-newest), MCP_URL, MCP_TOKEN, MCP_BAD_CALL.
import net from 'node:net';

const { Client } = await import(`${process.env.MCP_SDK}/client/index.js`);
const { SSEClientTransport } = await import(`${process.env.MCP_SDK}/client/sse.js`);
const target = new URL(process.env.MCP_URL);
const open = new Set();
const between = net.createServer((near) => {
  const far = net.connect(Number(target.port), target.hostname);
  for (const [one, other] of [[near, far], [far, near]]) {
    one.pipe(other);
    one.on('error', () => other.destroy()).on('close', () => other.destroy());
  }
  open.add(near);
  near.on('close', () => open.delete(near));
});
await new Promise((listening) => between.listen(0, '127.0.0.1', listening));

const url = new URL(target);
url.hostname = '127.0.0.1';
url.port = between.address().port;
const streams = [];
const transport = new SSEClientTransport(url, {
  requestInit: { headers: { Authorization: `Bearer ${process.env.MCP_TOKEN}` } },
  eventSourceInit: {
    fetch: async (where, init) => {
      const response = await fetch(where, init);
      streams.push({ status: response.status, version: new Headers(init.headers).get('mcp-protocol-version') });
      return response;
    },
  },
});
const client = new Client({ name: 'e2e', version: '1' }, {});
await client.connect(transport);
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const before = transport._endpoint.href;
for (const socket of open) socket.destroy();
const deadline = Date.now() + 30_000;
while (transport._endpoint.href === before && Date.now() < deadline) await new Promise((later) => setTimeout(later, 20));
const again = (await client.listTools()).tools.map((tool) => tool.name);
const bad = process.env.MCP_BAD_CALL ? await client.callTool(JSON.parse(process.env.MCP_BAD_CALL)) : null;
const back = { moved: transport._endpoint.href !== before, same: again.join() === tools.join(), isError: bad?.isError ?? null };
await client.close();
between.close();
for (const socket of open) socket.destroy();
process.stdout.write(JSON.stringify({ client: `dropped ${process.env.MCP_SDK}`, tools, back, streams, closed: true }) + '\n');
