import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { ConversationClient, userMessage } from '../support/conversation-client.js';
import { ServerProcess } from '../support/server-process.js';
import { bedrockConverse, type BedrockAccess } from '../support/wire/bedrock-converse.js';
import { startWireEndpoint } from '../support/wire/wire-endpoint.js';
import type { Json } from '../support/wire/wire-protocol.js';

const PROFILE = { accessKeyId: 'AKIDPROFILE', secretAccessKey: 'profile/secret+key' };
const ROLE = { accessKeyId: 'ASIAROLE', secretAccessKey: 'role/secret', sessionToken: 'role-token' };
const OWN = { accessKeyId: 'AKIDOWN', secretAccessKey: 'own/secret' };

/** The endpoint of Bedrock in these tests checks the region, the signature and the key. */
describe('credentials for AWS', () => {
  let folder: string;
  let sts: Server;
  let server: ServerProcess;
  const assumed: URLSearchParams[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'aws-access-'));
    await mkdir(path.join(folder, '.aws'));
    const keys = `aws_access_key_id = ${PROFILE.accessKeyId}\naws_secret_access_key = ${PROFILE.secretAccessKey}\n`;
    await writeFile(path.join(folder, '.aws', 'credentials'), `[work]\n${keys}`);
    await writeFile(path.join(folder, '.aws', 'config'), '[profile work]\nregion = eu-north-1\n');
    sts = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        assumed.push(new URLSearchParams(Buffer.concat(chunks).toString()));
        response.writeHead(200, { 'content-type': 'text/xml' }).end(assumedRole());
      });
    });
    sts.listen(0, '127.0.0.1');
    await once(sts, 'listening');
    const address = sts.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    server = await ServerProcess.start({
      env: {
        HOME: folder,
        AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${port}`,
        AWS_BEARER_TOKEN_BEDROCK: 'bearer-token',
      },
    });
  });
  afterAll(async () => {
    await server.stop();
    sts.closeAllConnections();
    sts.close();
    await rm(folder, { recursive: true, force: true });
  });

  const CREDENTIALS: [string, BedrockAccess, Json][] = [
    [
      'a token from the environment, in the default region',
      { region: 'us-west-2', token: 'bearer-token' },
      {},
    ],
    [
      'a token from the configuration of the model',
      { region: 'us-west-2', token: 'own-token' },
      { api_key: 'own-token' },
    ],
    [
      'access keys',
      { region: 'us-east-2', identity: OWN },
      {
        aws_access_key_id: OWN.accessKeyId,
        aws_secret_access_key: OWN.secretAccessKey,
        aws_region_name: 'us-east-2',
      },
    ],
    ['a profile, in its region', { region: 'eu-north-1', identity: PROFILE }, { aws_profile_name: 'work' }],
    [
      'a role, with the keys of a profile',
      { region: 'eu-north-1', identity: ROLE },
      {
        aws_role_name: 'arn:aws:iam::123456789012:role/agent',
        aws_profile_name: 'work',
        aws_session_name: 'me',
      },
    ],
  ];

  it.each(CREDENTIALS)('authenticates to Bedrock with %s', async (_name, door, llm) => {
    const endpoint = await startWireEndpoint({
      protocol: bedrockConverse(door),
      script: [{ text: 'Here.' }],
    });
    try {
      const conversation = await ConversationClient.create(server, {
        agent: {
          llm: {
            model: 'bedrock/anthropic.claude-sonnet-4-20250514-v1:0',
            aws_bedrock_runtime_endpoint: endpoint.url,
            num_retries: 1,
            usage_id: 'agent',
            ...llm,
          },
          tools: [],
        },
        workspace: { working_dir: path.join(folder, 'work') },
        initial_message: userMessage('Hi.'),
        autotitle: false,
      });
      await conversation.reaches('finished', 'error');
      const events = await conversation.events();
      expect(events.filter(({ kind }) => kind.includes('ErrorEvent'))).toEqual([]);
      expect(await conversation.status()).toBe('finished');
    } finally {
      await endpoint.close();
    }
  });

  it('assumes the configured role once', () => {
    expect(
      assumed.map((form) => [form.get('Action'), form.get('RoleArn'), form.get('RoleSessionName')]),
    ).toEqual([['AssumeRole', 'arn:aws:iam::123456789012:role/agent', 'me']]);
  });
});

function assumedRole(): string {
  const ends = new Date(Date.now() + 3_600_000).toISOString();
  return `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>${ROLE.accessKeyId}</AccessKeyId><SecretAccessKey>${ROLE.secretAccessKey}</SecretAccessKey>
<SessionToken>${ROLE.sessionToken}</SessionToken><Expiration>${ends}</Expiration></Credentials></AssumeRoleResult>
<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>`;
}
