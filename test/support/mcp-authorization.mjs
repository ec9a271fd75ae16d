import { randomUUID } from 'node:crypto';
import { json, passOn, startFront } from './mcp-front.mjs';

/**
 * A proxy in front of an MCP server that requires an access token, and issues a new one for a refresh token,
 * which can be used once.
 */
export async function startAuthorizedFront({ to, refreshToken }) {
  const state = { accessToken: randomUUID(), refreshToken, renewals: [] };
  const renew = (body, response) => {
    const form = Object.fromEntries(new URLSearchParams(body.toString()));
    state.renewals.push(form);
    const isGood = form.grant_type === 'refresh_token' && form.refresh_token === state.refreshToken;
    if (!isGood) return void json(response, 400, { error: 'invalid_grant' });
    Object.assign(state, { accessToken: randomUUID(), refreshToken: randomUUID() });
    const { accessToken: access_token, refreshToken: refresh_token } = state;
    json(response, 200, { access_token, refresh_token, token_type: 'Bearer', expires_in: 3600 });
  };
  const front = await startFront((request, body, response) => {
    const { url, headers } = request;
    if (url === '/.well-known/oauth-authorization-server') {
      return json(response, 200, metadata(front.base));
    }
    if (url === '/token') return renew(body, response);
    if (url !== '/mcp') return void response.writeHead(404).end();
    if (headers.authorization !== `Bearer ${state.accessToken}`) return void response.writeHead(401).end();
    return passOn(to, request, body, response);
  });
  return { url: `${front.base}/mcp`, state, close: front.close };
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
