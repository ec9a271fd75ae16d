import type { AppConfig } from './app-config.js';
import { describeValue, type ConfigProblem } from './config-error.js';

type SourceOf = (path: string) => string;

/** As the engine's command line takes it: a number with a unit of bytes. */
export const MEMORY_PATTERN = /^\d+(\.\d+)? ?[kKmMgGtTpP]?[iI]?[bB]?$/;
const ENGINE = /^(unix:\/\/\/.+|\/.+|(http|tcp):\/\/(127\.0\.0\.1|localhost|\[::1\]):\d+\/?)$/;
const MOUNT = /^\/[^:]+(:\/[^:]+)?$/;

/** Reports settings of conversation containers that could not work, or would give agents the machine. */
export function validateContainers(config: AppConfig, sourceOf: SourceOf): ConfigProblem[] {
  if (!usesContainers(config)) return [];
  const problem = (path: keyof AppConfig, expected: string, value: unknown): ConfigProblem => ({
    path,
    expected,
    found: describeValue(value, path === 'database_url'),
    source: sourceOf(path),
  });
  const problems: ConfigProblem[] = [];
  const { conversation_engine, conversation_container_network, conversation_container_memory } = config;
  if (config.database_url !== null)
    problems.push(
      problem(
        'database_url',
        'null with conversation_runtime docker, whose conversations are stored in files',
        config.database_url,
      ),
    );
  if (typeof conversation_engine === 'string' && !ENGINE.test(conversation_engine))
    problems.push(
      problem(
        'conversation_engine',
        'unix:///path of a socket, or http://127.0.0.1:port (an engine is never reached over a network)',
        conversation_engine,
      ),
    );
  if (isSharedNetwork(conversation_container_network))
    problems.push(
      problem(
        'conversation_container_network',
        'the name of a network of the engine: containers never share that of this machine',
        conversation_container_network,
      ),
    );
  if (
    typeof conversation_container_memory === 'string' &&
    !MEMORY_PATTERN.test(conversation_container_memory)
  )
    problems.push(
      problem('conversation_container_memory', 'a size such as 512m or 4g', conversation_container_memory),
    );
  const mounts: unknown = config.conversation_container_mounts;
  for (const [index, mount] of (Array.isArray(mounts) ? mounts : []).entries()) {
    const reason = typeof mount === 'string' ? mountProblem(mount) : undefined;
    const path = `conversation_container_mounts[${index}]`;
    if (reason !== undefined)
      problems.push({ path, expected: reason, found: describeValue(mount, false), source: sourceOf(path) });
  }
  const workspaces: unknown = config.conversation_container_workspaces;
  for (const [index, folder] of (Array.isArray(workspaces) ? workspaces : []).entries()) {
    if (typeof folder !== 'string' || (folder.startsWith('/') && folder.length > 1)) continue;
    const path = `conversation_container_workspaces[${index}]`;
    problems.push({
      path,
      expected: 'an absolute folder other than /',
      found: describeValue(folder, false),
      source: sourceOf(path),
    });
  }
  return problems;
}

/** Whether conversations may run in containers. */
export function usesContainers(
  config: Pick<AppConfig, 'conversation_runtime' | 'conversation_runtime_selectable'>,
): boolean {
  return config.conversation_runtime === 'docker' || config.conversation_runtime_selectable;
}

/** `container:` would share the network of another container. */
function isSharedNetwork(network: unknown): boolean {
  return typeof network === 'string' && /^(host|none|container:.*|ns:.*)$/.test(network.trim());
}

/** A socket of an engine inside of a container would be the key to the machine. */
function mountProblem(mount: string): string | undefined {
  if (!MOUNT.test(mount)) return 'a folder such as /opt/tools or /opt/tools:/tools';
  const [source = ''] = mount.split(':');
  if (source === '/' || /^\/(proc|sys|dev|run|var\/run)(\/|$)/.test(source) || source.endsWith('.sock'))
    return 'a folder that is no part of the system: not /, /proc, /sys, /dev, /run or a socket';
  return undefined;
}
