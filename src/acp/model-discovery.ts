import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { AcpAgentSpec } from '../agent/index.js';
import { makeTemporaryFolder } from '../files/index.js';
import type { Confinement } from '../sandbox/index.js';
import { AcpConnection } from './connection/acp-connection.js';
import { toTimeoutMs } from './acp-connector.js';
import { toAcpError } from './acp-error.js';
import { ClientFiles } from './client/client-files.js';
import { ClientTerminals } from './client/client-terminals.js';
import { processMark } from './connection/process-mark.js';
import { agentEnvironment, mcpServersFor } from './connection/agent-environment.js';
import { toOutcome } from './turn/permission.js';
import type { AcpModel } from './connection/session-models.js';

/** An agent's name, version and models, or the error; field names are the API's. */
export interface ModelDiscovery {
  agent_name: string | null;
  agent_version: string | null;
  current_model_id: string | null;
  available_models: AcpModel[];
  supports_runtime_model_switch: boolean;
  error: { code: string; detail: string } | null;
}

const EMPTY_DISCOVERY: ModelDiscovery = {
  agent_name: null,
  agent_version: null,
  current_model_id: null,
  available_models: [],
  supports_runtime_model_switch: false,
  error: null,
};

/**
 * Starts an agent in an empty folder, reads its models and ends it. Failures are part of the result.
 * @param mask masks secrets
 * @param confine confines programs that work in a folder
 * @throws the reason of the signal once it is aborted
 */
export async function discoverModels(
  agent: AcpAgentSpec,
  secrets: Readonly<Record<string, string>>,
  mask: (text: string) => string,
  confine: (folder: string) => Confinement,
  signal: AbortSignal,
): Promise<ModelDiscovery> {
  const folder = await makeTemporaryFolder('discovery');
  try {
    const connection = await openConnection(agent, secrets, folder, confine(folder), signal);
    const { agentName, agentVersion, sessionModels: models } = connection;
    await connection.close();
    return {
      agent_name: agentName,
      agent_version: agentVersion,
      current_model_id: models?.current ?? null,
      available_models: models?.available ?? [],
      supports_runtime_model_switch: models !== undefined,
      error: null,
    };
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = toAcpError(error, 'ACPInitError');
    return { ...EMPTY_DISCOVERY, error: { code, detail: mask(message) } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function openConnection(
  agent: AcpAgentSpec,
  secrets: Readonly<Record<string, string>>,
  folder: string,
  confinement: Confinement,
  signal: AbortSignal,
): Promise<AcpConnection> {
  const ignore = (): void => undefined;
  const env = await agentEnvironment(agent, path.join(folder, 'acp'), secrets, ignore);
  const files = new ClientFiles(folder, confinement.files);
  return AcpConnection.open(
    {
      command: [...agent.acp_command, ...agent.acp_args],
      env,
      cwd: folder,
      mark: processMark(randomUUID()),
      confinement,
    },
    { cwd: folder, mcpServers: mcpServersFor(agent, secrets), resume: undefined, model: null, mode: null },
    {
      files,
      terminals: new ClientTerminals(folder, env, (at) => files.resolveInside(at), confinement),
      onUpdate: ignore,
      onPermission: ({ options }) => Promise.resolve(toOutcome(undefined, options)),
      waitForRoom: () => Promise.resolve(),
      debug: ignore,
      warn: ignore,
    },
    {
      startMs: toTimeoutMs(agent.acp_startup_timeout),
      readMs: toTimeoutMs(agent.acp_prompt_timeout),
      signal,
    },
  );
}
