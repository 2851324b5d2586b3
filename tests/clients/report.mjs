// What every TypeScript client does once it is connected, and the report of it.
const told = (result) => ({
  isError: result.isError === true,
  text: result.content.map((block) => block.text ?? '').join('\n'),
  structured: result.structuredContent ?? null,
});

export async function report(client, { client: name, protocol, call }) {
  const calls = JSON.parse(process.env.MCP_CALLS ?? '{}');
  const bad = JSON.parse(process.env.MCP_BAD_CALL ?? 'null');
  const said = { client: name, protocol, server: client.getServerVersion(), instructions: client.getInstructions() };
  said.capabilities = client.getServerCapabilities();
  said.tools = (await client.listTools()).tools;
  said.calls = {};
  said.progress = [];
  const onprogress = (step) => said.progress.push([step.progress, step.total, step.message]);
  for (const tool of said.tools) {
    said.calls[tool.name] = told(await call({ name: tool.name, arguments: calls[tool.name] ?? {} }, { onprogress }));
  }
  if (bad) said.bad_call = told(await call(bad));
  if (!(said.protocol >= '2026')) said.ping = await client.ping();
  if (said.capabilities.resources) {
    said.templates = (await client.listResourceTemplates()).resourceTemplates.map((template) => template.uriTemplate);
    said.resources = {};
    for (const { uri } of (await client.listResources()).resources) {
      said.resources[uri] = (await client.readResource({ uri })).contents;
    }
  }
  if (said.capabilities.prompts) {
    said.prompts = {};
    for (const prompt of (await client.listPrompts()).prompts) {
      const needed = (prompt.arguments ?? []).filter((argument) => argument.required).map((argument) => [argument.name, 'sleep']);
      said.prompts[prompt.name] = (await client.getPrompt({ name: prompt.name, arguments: Object.fromEntries(needed) })).messages;
    }
  }
  await client.close();
  said.closed = true;
  process.stdout.write(JSON.stringify(said) + '\n');
}
