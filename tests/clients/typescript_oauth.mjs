// The official TypeScript SDK's OAuth client, from the bare URL on; spoken to as python_oauth.py is (see there).
// MCP_SDK names the package: sdk-1.17 or sdk-newest.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const sdk = process.env.MCP_SDK;
const { Client } = await import(`${sdk}/client/index.js`);
const { StreamableHTTPClientTransport } = await import(`${sdk}/client/streamableHttp.js`);
const { UnauthorizedError } = await import(`${sdk}/client/auth.js`);

const say = (what) => console.log(JSON.stringify(what));
let arrived;
const callback = createServer((request, response) => {
  const query = new URL(request.url, 'http://127.0.0.1').searchParams;
  response.setHeader('Content-Type', 'text/html');
  response.setHeader('Connection', 'close');
  response.end('<title>Done</title><main><h1>Back in the program</h1></main>');
  if (query.has('code')) arrived(Object.fromEntries(query));
});
await new Promise((resolve) => callback.listen(0, '127.0.0.1', resolve));

class Provider {
  redirectUrl = `http://127.0.0.1:${callback.address().port}/callback`;
  clientMetadataUrl = process.env.CLIENT_DOCUMENT;
  asked = 0;
  get clientMetadata() {
    return {
      client_name: 'The TypeScript SDK',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }
  state() {
    return 'state-of-the-test';
  }
  clientInformation() {
    return this.client;
  }
  saveClientInformation(client) {
    this.client = client;
  }
  tokens() {
    return this.held;
  }
  saveTokens(tokens) {
    this.held = tokens;
  }
  codeVerifier() {
    return this.verifier;
  }
  saveCodeVerifier(verifier) {
    this.verifier = verifier;
  }
  invalidateCredentials(scope) {
    if (scope === 'all' || scope === 'tokens') this.held = undefined;
    if (scope === 'all' || scope === 'client') this.client = undefined;
  }
  redirectToAuthorization(url) {
    this.asked += 1;
    if (this.asked > 1) throw new Error('a person would have to sign in again');
    say({ open: url.href });
  }
}

const provider = new Provider();
const url = new URL(process.env.MCP_URL);

async function connected() {
  const client = new Client({ name: 'e2e', version: '1' }, {});
  const transport = new StreamableHTTPClientTransport(url, { authProvider: provider });
  const back = new Promise((resolve) => (arrived = resolve));
  try {
    await client.connect(transport);
    return client;
  } catch (problem) {
    if (!(problem instanceof UnauthorizedError)) throw problem;
  }
  const answer = await back;
  if (answer.state !== 'state-of-the-test') throw new Error('the state is not mine');
  await transport.finishAuth(answer.code);
  const again = new Client({ name: 'e2e', version: '1' }, {});
  await again.connect(new StreamableHTTPClientTransport(url, { authProvider: provider }));
  return again;
}

for await (const command of createInterface({ input: process.stdin })) {
  if (command === 'quit') break;
  if (command === 'expire') continue; // this SDK renews when it is refused
  try {
    const client = await connected();
    const result = await client.callTool({ name: process.env.MCP_TOOL, arguments: {} });
    say({
      called: { isError: result.isError === true, structured: result.structuredContent },
      client_id: provider.client.client_id,
      token: provider.held.access_token,
    });
    await client.close();
  } catch (problem) {
    say({ refused: `${problem.name}: ${problem.message}` });
  }
}
process.exit(0);
