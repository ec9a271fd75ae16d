import { createHash } from 'node:crypto';
import path from 'node:path';
import type { ContainerCreateOptions } from 'dockerode';
import type { AppConfig } from '../../config/index.js';
import { LAUNCHED_PROFILE_VARIABLE } from '../../conversations/index.js';
import { persistenceRoot } from '../../files/index.js';
import { SERVER_PORT } from '../engine/container-engine.js';
import { type ContainerRecord, DEFAULT_WORKING_DIR } from '../records/container-record.js';

/** The label of all containers of one server, whose value is made from its folders. */
export const OWNER_LABEL = 'ai.openhands.runtime-owner';
/** The label that names the conversation of a container. */
export const CONVERSATION_LABEL = 'ai.openhands.conversation';
/** Where the server in a container listens. */
export const INNER_PORT = 8000;
/** What the server in a container sees. */
export const INSIDE = {
  conversations: '/var/openhands/conversations',
  home: '/var/openhands/.openhands',
  workspace: DEFAULT_WORKING_DIR,
} as const;

/** Images of the original have a browser unless their tag says otherwise. */
const ORIGINAL_IMAGE = /^ghcr\.io\/openhands\/agent-server([:@]|$)/;
const MINIMAL = /-minimal(-amd64|-arm64)?$/;

/** The folders of this machine that belong to containers. */
export interface ContainerFolders {
  /** Those of the conversations. */
  conversations: string;
  /** Records with keys, which no container sees. */
  control: string;
  /** Homes and workspaces of containers, a folder each. */
  data: string;
}

export function containerFolders(config: AppConfig): ContainerFolders {
  const root = persistenceFolder(config);
  return {
    conversations: config.paths.conversations,
    control: path.join(root, 'runtime-control'),
    data: path.join(root, 'runtime-data'),
  };
}

/** As in the original: beside the conversations, unless a folder is named. */
function persistenceFolder({ base_dir, paths }: AppConfig): string {
  if (process.env['OH_PERSISTENCE_DIR']) return persistenceRoot(base_dir);
  return path.join(path.dirname(paths.conversations), '.openhands');
}

/** Identifies the containers of this server: those of the same folders, also after a restart. */
export function ownerOf({ conversations, data }: ContainerFolders): string {
  const root = path.dirname(data);
  return createHash('sha256').update(`${conversations}\0${root}`).digest('hex').slice(0, 24);
}

/** The folders of one conversation. */
export function foldersOf({ conversations, data }: ContainerFolders, id: string) {
  const hex = id.replaceAll('-', '');
  return {
    conversation: path.join(conversations, hex),
    data: path.join(data, hex),
    home: path.join(data, hex, 'persistence'),
    ownWorkspace: path.join(data, hex, 'workspace'),
  };
}

/** The name is the same for each start: the engine refuses a second container of a conversation. */
export function containerName(owner: string, id: string): string {
  return `openhands-${owner.slice(0, 12)}-${id.replaceAll('-', '')}`;
}

/** Whether the server in a container offers a browser. */
export function hasBrowser(config: AppConfig, isWanted = true): boolean {
  const { conversation_image: image, conversation_image_has_browser: given, enable_browser } = config;
  const inImage = given ?? (ORIGINAL_IMAGE.test(image) && !MINIMAL.test(image));
  return enable_browser && inImage && isWanted;
}

/**
 * How a container is created: as the user of this server, without capabilities, its root of the file system
 * and its limits. It gets no key: what the engine shows to its users are paths and settings.
 */
export function containerPlan(
  config: AppConfig,
  folders: ContainerFolders,
  record: ContainerRecord,
): ContainerCreateOptions {
  const { conversationId: id, workspace, container } = record;
  const own = foldersOf(folders, id);
  const owner = ownerOf(folders);
  const { conversation_container_network: network, conversation_container_pids_limit: processes } = config;
  const memory = bytesOf(container?.memory ?? config.conversation_container_memory);
  const cpus = container?.cpus ?? config.conversation_container_cpus;
  const hex = id.replaceAll('-', '');
  return {
    name: containerName(owner, id),
    Image: config.conversation_image,
    Cmd: ['--host', '0.0.0.0', '--port', String(INNER_PORT)],
    ...(process.getuid && process.getgid && { User: `${process.getuid()}:${process.getgid()}` }),
    Labels: { [OWNER_LABEL]: owner, [CONVERSATION_LABEL]: id },
    Env: Object.entries(innerSettings(config, record)).map(([name, value]) => `${name}=${value}`),
    ExposedPorts: { [SERVER_PORT]: {} },
    HostConfig: {
      Mounts: [
        bind(own.conversation, `${INSIDE.conversations}/${hex}`),
        bind(own.home, INSIDE.home),
        bind(workspace, INSIDE.workspace),
        ...config.conversation_container_mounts.map((mount) => {
          const [source = '', target = source] = mount.split(':');
          return { ...bind(source, target), ReadOnly: true };
        }),
      ],
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
      ExtraHosts: ['host.docker.internal:host-gateway'],
      RestartPolicy: { Name: 'no' },
      ...(network === null
        ? { PortBindings: { [SERVER_PORT]: [{ HostIp: '127.0.0.1', HostPort: '' }] } }
        : { NetworkMode: network }),
      ...(memory !== undefined && { Memory: memory }),
      ...(cpus !== null && { NanoCpus: Math.round(cpus * 1e9) }),
      ...(processes !== null && { PidsLimit: processes }),
    },
  };
}

/** Settings of the server in a container. Only what is no secret: keys come with `POST /api/init`. */
function innerSettings(
  config: AppConfig,
  { container, launchedProfile }: ContainerRecord,
): Record<string, string> {
  return {
    HOME: INSIDE.home,
    OH_DEFERRED_INIT: 'true',
    OH_CONVERSATION_RUNTIME: 'local',
    OH_PERSISTENCE_DIR: INSIDE.home,
    OH_CONVERSATIONS_PATH: INSIDE.conversations,
    OH_WORKSPACE_PATH: INSIDE.workspace,
    OH_BASH_EVENTS_DIR: `${INSIDE.home}/bash-events`,
    OH_CONVERSATION_WORKTREE_ROOT: `${INSIDE.home}/worktrees`,
    OH_ENABLE_BROWSER: hasBrowser(config, container?.browser) ? '1' : '0',
    OH_ENABLE_VSCODE: '0',
    // The engine allows one container a conversation; a lease of one that died would delay the next.
    OH_LEASE_TTL_SECONDS: '0',
    OH_CONVERSATION_IDLE_TTL_SECONDS_IS_NONE: '1',
    // No secret: ids and names. It filters the secrets that clients send later.
    ...(launchedProfile && { [LAUNCHED_PROFILE_VARIABLE]: JSON.stringify(launchedProfile) }),
    ...(config.resume_on_start && { OH_RESUME_ON_START: '1' }),
  };
}

function bind(Source: string, Target: string) {
  return { Type: 'bind' as const, Source, Target };
}

const UNITS = ['', 'k', 'm', 'g', 't', 'p'];

/** The number of bytes of a text such as `512m` or `1.5 GiB`, as the engine's command line reads it. */
export function bytesOf(text: string | null): number | undefined {
  if (text === null) return undefined;
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/.exec(text.toLowerCase()) ?? [];
  return Math.floor(Number(number) * 1024 ** UNITS.indexOf(unit));
}
