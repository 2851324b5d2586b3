// @modelcontextprotocol/client, the v2 line of the TypeScript SDK, doing what an assistant does; prints one JSON report.
// Told by the environment: MCP_URL, MCP_TOKEN, MCP_TRANSPORT (streamable, sse), MCP_MODE (legacy, auto, or a revision to pin),
// MCP_CALLS and MCP_BAD_CALL (see README.md).
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { report } from './report.mjs';

const transport = process.env.MCP_TRANSPORT ?? 'streamable';
const asked = process.env.MCP_MODE ?? 'auto';
const mode = ['legacy', 'auto'].includes(asked) ? asked : { pin: asked };
const Transport = transport === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport;
const requestInit = { headers: { Authorization: `Bearer ${process.env.MCP_TOKEN}` } };
const client = new Client({ name: 'e2e', version: '1' }, { versionNegotiation: { mode } });
await client.connect(new Transport(new URL(process.env.MCP_URL), { requestInit }));
await report(client, {
  client: `typescript client 2 ${transport} ${asked}`,
  protocol: client.getNegotiatedProtocolVersion(),
  call: (params, options) => client.callTool(params, options),
});
