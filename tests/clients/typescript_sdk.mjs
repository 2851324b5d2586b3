// The official TypeScript SDK (v1 line) doing what an assistant does; prints one JSON report.
// Told by the environment: MCP_SDK (sdk-1.17, which Poke runs, or sdk-newest), MCP_URL, MCP_TOKEN, MCP_TRANSPORT (streamable, sse),
// MCP_CALLS and MCP_BAD_CALL (see README.md).
import { report } from './report.mjs';

const sdk = process.env.MCP_SDK;
const { Client } = await import(`${sdk}/client/index.js`);
const { StreamableHTTPClientTransport } = await import(`${sdk}/client/streamableHttp.js`);
const { SSEClientTransport } = await import(`${sdk}/client/sse.js`);

const transport = process.env.MCP_TRANSPORT ?? 'streamable';
const Transport = transport === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport;
const requestInit = { headers: { Authorization: `Bearer ${process.env.MCP_TOKEN}` } };
const client = new Client({ name: 'e2e', version: '1' }, {});
const wire = new Transport(new URL(process.env.MCP_URL), { requestInit });
await client.connect(wire);
await report(client, {
  client: `typescript ${sdk} ${transport}`,
  protocol: wire.protocolVersion ?? wire._protocolVersion,
  call: (params, options) => client.callTool(params, undefined, options),
});
