import { createVerify, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { anthropicMessages, messagesFault } from './anthropic-messages.js';
import { contentFault, generateContent, googleError } from './gemini.js';
import type { Refusal, WireProtocol, WireRequest } from './wire-protocol.js';

/** The token that the token server issues. */
const TOKEN = 'ya29.c.b0Aaekm1K';
const PLACE = '/v1/projects/my-project/locations/europe-west1';

/** Gemini on Vertex (https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference). */
export const vertexGemini: WireProtocol = {
  ...generateContent,
  refuse: (request) =>
    refuse(
      request,
      new RegExp(`^${PLACE}/publishers/google/models/([^/:]+):(generateContent|streamGenerateContent)`),
      (model) => contentFault(request.body, model),
    ),
};

/**
 * Claude on Vertex (https://docs.anthropic.com/en/api/claude-on-vertex-ai): no model in the body, a version
 * instead of a header.
 */
export const vertexClaude: WireProtocol = {
  ...anthropicMessages,
  refuse: (request) =>
    refuse(
      request,
      new RegExp(`^${PLACE}/publishers/anthropic/models/([^/:]+):(rawPredict|streamRawPredict)$`),
      (model) => {
        const { anthropic_version, ...body } = request.body;
        if (anthropic_version !== 'vertex-2023-10-16') return 'anthropic_version: Field required';
        if ('model' in body) return 'model: Extra inputs are not permitted';
        if (request.path.endsWith(':streamRawPredict') !== (body['stream'] === true))
          return 'stream does not fit';
        return messagesFault({ ...body, model });
      },
    ),
};

function refuse(
  { path, headers }: WireRequest,
  expected: RegExp,
  fault: (model: string) => string | undefined,
): Refusal | undefined {
  const refusal = (status: number, name: string, message: string): Refusal => ({
    status,
    body: googleError(status, name, message),
  });
  const model = expected.exec(path)?.[1];
  if (model === undefined) return refusal(404, 'NOT_FOUND', `no such path: ${path}`);
  if (headers.authorization !== `Bearer ${TOKEN}` || 'x-api-key' in headers || 'x-goog-api-key' in headers) {
    return refusal(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
  }
  const message = fault(model);
  return message === undefined ? undefined : refusal(400, 'INVALID_ARGUMENT', message);
}

/** Google's token server with one service account and one user. The caller closes it. */
export interface TokenServer {
  serviceAccount: Record<string, string>;
  user: Record<string, string>;
  /** The number of issued tokens. */
  given: () => number;
  close(): Promise<void>;
}

/**
 * Starts a token server that checks assertions of the service account by
 * https://developers.google.com/identity/protocols/oauth2/service-account.
 */
export async function startTokenServer(): Promise<TokenServer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let url = '';
  let given = 0;
  const isSigned = (assertion: string): boolean => {
    const [head = '', claims = '', signature = ''] = assertion.split('.');
    const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
    const genuine = createVerify('RSA-SHA256')
      .update(`${head}.${claims}`)
      .verify(publicKey, signature, 'base64url');
    const now = Date.now() / 1000;
    return (
      genuine &&
      said['iss'] === 'agent@my-project.iam.gserviceaccount.com' &&
      said['aud'] === url &&
      said['scope'] === 'https://www.googleapis.com/auth/cloud-platform' &&
      Number(said['iat']) <= now + 1 &&
      Number(said['exp']) <= now + 3601
    );
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const isGranted =
        form.get('grant_type') === 'refresh_token'
          ? form.get('refresh_token') === '1//refresh' && form.get('client_secret') === 'shh-secret'
          : isSigned(form.get('assertion') ?? '..');
      if (isGranted) given += 1;
      response.writeHead(isGranted ? 200 : 400, { 'content-type': 'application/json' });
      const answer = { access_token: TOKEN, expires_in: 3599, token_type: 'Bearer' };
      response.end(
        JSON.stringify(isGranted ? answer : { error: 'invalid_grant', error_description: 'Bad Request' }),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  url = `http://127.0.0.1:${address.port}/token`;
  return {
    serviceAccount: {
      type: 'service_account',
      project_id: 'my-project',
      private_key_id: 'k1',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      client_email: 'agent@my-project.iam.gserviceaccount.com',
      token_uri: url,
    },
    user: {
      type: 'authorized_user',
      client_id: 'id.apps.googleusercontent.com',
      client_secret: 'shh-secret',
      refresh_token: '1//refresh',
      quota_project_id: 'my-project',
      token_uri: url,
    },
    given: () => given,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
