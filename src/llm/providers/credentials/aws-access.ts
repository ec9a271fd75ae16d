import { errorMessage } from '../../../errors/index.js';
import type { LlmConfig } from '../../request/llm-config.js';
import { LlmError } from '../../errors/llm-error.js';

/** AWS keys, permanent or temporary. */
interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

/** Region and credentials of an AWS service. */
interface AwsAccess {
  region: string;
  /** Sent instead of a signature; if empty, requests are signed. */
  bearerToken: string;
  credentials: () => Promise<AwsCredentials>;
}

/** The default region, LiteLLM's. */
const DEFAULT_REGION = 'us-west-2';
/** The default session name of a role. */
const SESSION_NAME = 'openhands-agent-server';
/** Keys that expire sooner than this are renewed. */
const RENEWAL_MARGIN_MS = 5 * 60_000;
/** Limit for the cached keys, one entry per way to obtain them. */
const MAX_CACHED = 50;

/**
 * Resolves AWS credentials as LiteLLM does (https://docs.litellm.ai/docs/providers/bedrock): a bearer token,
 * a role, a profile, keys, or what AWS's default chain finds in the environment, in `~/.aws` or on the
 * machine.
 */
export async function awsAccess(config: LlmConfig, model: string): Promise<AwsAccess> {
  const region = await regionOf(config, model);
  const isOwn = [config.aws_access_key_id, config.aws_profile_name, config.aws_role_name].some(isSet);
  return {
    region,
    bearerToken: config.api_key ?? (isOwn ? '' : (process.env['AWS_BEARER_TOKEN_BEDROCK'] ?? '')),
    credentials: () => cachedCredentials(config, region),
  };
}

/**
 * The region in the model name (an ARN, or `eu-west-3/model`) takes precedence, then the config, the
 * environment and the profile.
 */
async function regionOf(config: LlmConfig, model: string): Promise<string> {
  const named =
    /arn:aws[\w-]*:bedrock:([\w-]+):/.exec(model)?.[1] ??
    /(?:^|\/)([a-z]{2}(?:-[a-z]+)+-\d)\//.exec(model)?.[1];
  const known = [
    config.aws_region_name,
    process.env['AWS_REGION_NAME'],
    process.env['AWS_REGION'],
    process.env['AWS_DEFAULT_REGION'],
  ].find(isSet);
  return named ?? known ?? (await profileRegion(config)) ?? DEFAULT_REGION;
}

async function profileRegion(config: LlmConfig): Promise<string | undefined> {
  const { loadSharedConfigFiles } = await import('@smithy/core/config');
  const { configFile, credentialsFile } = await loadSharedConfigFiles({ ignoreCache: true });
  const profile = [config.aws_profile_name, process.env['AWS_PROFILE']].find(isSet) ?? 'default';
  return configFile[profile]?.['region'] ?? credentialsFile[profile]?.['region'];
}

const cache = new Map<string, AwsCredentials>();

/** Obtaining keys may take a request or start a program, so they are cached until they expire. */
async function cachedCredentials(config: LlmConfig, region: string): Promise<AwsCredentials> {
  const way = JSON.stringify([
    region,
    config.aws_role_name,
    config.aws_session_name,
    config.aws_profile_name,
    config.aws_access_key_id,
    config.aws_secret_access_key,
    config.aws_session_token,
  ]);
  const known = cache.get(way);
  if (known?.expiration && known.expiration.getTime() - Date.now() > RENEWAL_MARGIN_MS) return known;
  const found = await findCredentials(config, region).catch((error: unknown) => {
    throw new LlmError('LLMAuthenticationError', `AWS: ${errorMessage(error)}`);
  });
  cache.delete(way);
  if (found.expiration) cache.set(way, found);
  for (const [oldest] of cache) if (cache.size > MAX_CACHED) cache.delete(oldest);
  return found;
}

async function findCredentials(config: LlmConfig, region: string): Promise<AwsCredentials> {
  const { aws_role_name: role, aws_profile_name: profile } = config;
  const keys = ownKeys(config);
  if (!isSet(role) && !isSet(profile) && keys) return keys;
  const aws = await import('@aws-sdk/credential-providers');
  const base = isSet(profile)
    ? aws.fromIni({ profile, clientConfig: { region }, ignoreCache: true })
    : (keys ?? aws.fromNodeProviderChain({ clientConfig: { region } }));
  if (!isSet(role)) return typeof base === 'function' ? base() : base;
  return aws.fromTemporaryCredentials({
    masterCredentials: base,
    params: { RoleArn: role, RoleSessionName: config.aws_session_name ?? SESSION_NAME },
    clientConfig: { region },
  })();
}

function ownKeys(config: LlmConfig): AwsCredentials | undefined {
  const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey } = config;
  if (!isSet(accessKeyId) || !isSet(secretAccessKey)) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: config.aws_session_token ?? undefined };
}

function isSet(value: string | null | undefined): value is string {
  return value !== null && value !== undefined && value !== '';
}
