// Preloaded into the suite, which cannot send a token itself: puts the bearer of MCP_BEARER on every request it makes.
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';

const authorization = `Bearer ${process.env.MCP_BEARER}`;

const fetchAsIs = globalThis.fetch;
globalThis.fetch = (input, options = {}) => {
  const headers = new Headers(options.headers ?? (input instanceof Request ? input.headers : undefined));
  if (!headers.has('authorization')) headers.set('authorization', authorization);
  return fetchAsIs(input, { ...options, headers });
};

for (const module of [http, https]) {
  const requestAsIs = module.request;
  module.request = (...args) => {
    const options = args.find((arg) => arg && typeof arg === 'object' && !(arg instanceof URL));
    if (options) options.headers = { authorization, ...(options.headers ?? {}) };
    return requestAsIs.apply(module, args);
  };
}

// The DNS-rebinding scenario uses undici itself, because fetch does not let it set Host.
const undici = createRequire(process.argv[1])('undici');
const withBearer = (headers) => {
  if (!Array.isArray(headers)) return { authorization, ...(headers ?? {}) };
  const isThere = headers.some((name, i) => i % 2 === 0 && String(name).toLowerCase() === 'authorization');
  return isThere ? headers : [...headers, 'authorization', authorization];
};
undici.setGlobalDispatcher(
  undici.getGlobalDispatcher().compose((dispatch) => (options, handler) =>
    dispatch({ ...options, headers: withBearer(options.headers) }, handler)),
);
