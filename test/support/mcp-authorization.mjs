import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

/**
 * Stands before an MCP server: lets nobody through without the access token of the day, and renews it for a refresh token,
 * which is good for once.
 */
export async function startAuthorizedFront({ to, refreshToken }) {
  const state = { accessToken: randomUUID(), refreshToken, renewals: [] };
  const read = async (request) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  const renew = (body, response) => {
    const form = Object.fromEntries(new URLSearchParams(body.toString()));
    state.renewals.push(form);
    const isGood = form.grant_type === 'refresh_token' && form.refresh_token === state.refreshToken;
    if (!isGood) return void json(response, 400, { error: 'invalid_grant' });
    Object.assign(state, { accessToken: randomUUID(), refreshToken: randomUUID() });
    const { accessToken: access_token, refreshToken: refresh_token } = state;
    json(response, 200, { access_token, refresh_token, token_type: 'Bearer', expires_in: 3600 });
  };
  const answer = async (request, response) => {
    const { method, url, headers } = request;
    const body = await read(request);
    if (url === '/.well-known/oauth-authorization-server') return void json(response, 200, metadata(base()));
    if (url === '/token') return renew(body, response);
    if (url !== '/mcp') return void response.writeHead(404).end();
    if (headers.authorization !== `Bearer ${state.accessToken}`) return void response.writeHead(401).end();
    const passed = await fetch(to, {
      method,
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => FORWARDED.test(name))),
      body: method === 'POST' ? body : undefined,
    });
    response.writeHead(passed.status, Object.fromEntries(passed.headers));
    for await (const chunk of passed.body ?? []) response.write(chunk);
    response.end();
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  const base = () => `http://127.0.0.1:${server.address().port}`;
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `${base()}/mcp`,
    state,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

const FORWARDED = /^(accept|content-type|mcp-.*)$/;

function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function metadata(issuer) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
  };
}
