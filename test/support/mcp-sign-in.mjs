import { createHash, randomUUID } from 'node:crypto';
import { json, passOn, startFront } from './mcp-front.mjs';

/**
 * An MCP server that requires OAuth, with its authorization server: registration of clients, codes with PKCE,
 * tokens and their renewal. `/authorize` grants access at once.
 * @param to address of the MCP server behind it
 */
export async function startSignIn({ to, secret = false, metadata = {} }) {
  const state = { clients: new Map(), codes: new Map(), access: new Set(), refresh: new Map(), requests: [] };
  const issue = (response, client) => {
    const access_token = `access-${randomUUID()}`;
    const refresh_token = `refresh-${randomUUID()}`;
    state.access.add(access_token);
    state.refresh.set(refresh_token, client);
    json(response, 200, {
      access_token,
      refresh_token,
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'tools',
    });
  };
  const register = (body, response) => {
    const asked = JSON.parse(body.toString());
    const client = { ...asked, client_id: `client-${randomUUID()}`, client_id_issued_at: 1 };
    if (secret) client.client_secret = `secret-${randomUUID()}`;
    state.clients.set(client.client_id, client);
    json(response, 201, client);
  };
  const authorize = (query, response) => {
    const client = state.clients.get(query.client_id);
    const isKnown = client?.redirect_uris.includes(query.redirect_uri);
    if (!isKnown || query.code_challenge_method !== 'S256')
      return void response.writeHead(400).end('refused');
    const code = `code-${randomUUID()}`;
    state.codes.set(code, query);
    const back = new URL(query.redirect_uri);
    back.searchParams.set('code', code);
    if (query.state !== undefined) back.searchParams.set('state', query.state);
    response.writeHead(302, { location: back.href }).end();
  };
  const exchange = (form, response) => {
    if (form.grant_type === 'refresh_token') {
      const client = state.refresh.get(form.refresh_token);
      state.refresh.delete(form.refresh_token);
      return client === undefined ? json(response, 400, { error: 'invalid_grant' }) : issue(response, client);
    }
    const asked = state.codes.get(form.code);
    state.codes.delete(form.code);
    const challenge = createHash('sha256')
      .update(form.code_verifier ?? '')
      .digest('base64url');
    const isGood = asked?.code_challenge === challenge && asked.redirect_uri === form.redirect_uri;
    return isGood ? issue(response, asked.client_id) : json(response, 400, { error: 'invalid_grant' });
  };
  const pass = async (request, body, response) => {
    if (!state.access.has(request.headers.authorization?.replace('Bearer ', ''))) {
      const where = `${front.base}/.well-known/oauth-protected-resource/mcp`;
      return void response
        .writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${where}"` })
        .end();
    }
    await passOn(to, request, body, response);
  };
  const front = await startFront((request, body, response) => {
    const { pathname, searchParams } = new URL(request.url, front.base);
    const query = Object.fromEntries(searchParams);
    const form = pathname === '/token' ? Object.fromEntries(new URLSearchParams(body.toString())) : {};
    state.requests.push({ pathname, query, form });
    if (pathname === '/mcp') return pass(request, body, response);
    if (pathname.startsWith('/.well-known/oauth-protected-resource')) {
      return json(response, 200, { resource: `${front.base}/mcp`, authorization_servers: [front.base] });
    }
    if (pathname === '/.well-known/oauth-authorization-server')
      return json(response, 200, { ...endpoints(front.base), ...metadata });
    if (pathname === '/register') return register(body, response);
    if (pathname === '/authorize') return authorize(query, response);
    if (pathname === '/token') return exchange(form, response);
    response.writeHead(404).end();
  });
  return { url: `${front.base}/mcp`, state, close: front.close };
}

function endpoints(issuer) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
  };
}
