import type Dockerode from 'dockerode';
import { errorCode, errorMessage } from '../../errors/index.js';
import { withTimeout } from '../../flow/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';
import { BoundedAgent } from './bounded-agent.js';
import { EngineAwayError, EngineRefusedError } from './engine-errors.js';
import type { EngineWatch } from './engine-watch.js';

/** Longest answer of the engine that is read (bytes): a list of thousands of containers. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Longest wait for an answer of the engine (ms); it creates containers from large images within seconds. */
const ANSWER_MS = 30_000;
/** Time for an answer to be read to its end once its connection has ended (ms). */
const READ_MS = 500;
const MAX_MESSAGE = 500;
/** Lines and characters of a container's output that are reported. */
const LOG_LINES = 30;
const MAX_LOG = 4_000;
/** For containers that stop by themselves (s), as the command line of the engine waits. */
const STOP_SECONDS = 10;

/** A container as lists show it. */
export interface ListedContainer {
  id: string;
  labels: Readonly<Record<string, string>>;
  names: readonly string[];
  isRunning: boolean;
}

/** What is known about one container. */
export interface InspectedContainer {
  id: string;
  isRunning: boolean;
  labels: Readonly<Record<string, string>>;
  /** Why it has ended, in words. */
  ending: string;
  /** `host:port` on this machine at which the port of its server is published. */
  published: string | undefined;
  /** Its address in a network of the engine, by the network's name. */
  addresses: Readonly<Record<string, string>>;
}

/**
 * The container engine: Docker, or what speaks its API. Each call is bounded in time and size, and fails with
 * `EngineAwayError` or `EngineRefusedError`. The client library is loaded with the first one.
 */
export class ContainerEngine {
  private client: Promise<typeof Dockerode> | undefined;

  constructor(
    /** As of `engineAddress`. */
    readonly address: EngineAddress,
    /** Is told of each call, so that readiness does not have to wait for the next look. */
    private readonly watch: EngineWatch,
    private readonly answerMs = ANSWER_MS,
  ) {}

  /** Creates and starts nothing but the container. @returns its id; undefined if the name is taken */
  async create({ name, ...plan }: Dockerode.ContainerCreateOptions): Promise<string | undefined> {
    // Otherwise the library would write the whole plan into the address as well.
    const options: Dockerode.ContainerCreateOptions & { _query: object; _body: object } = {
      _query: { name },
      _body: plan,
    };
    try {
      const created: unknown = await this.call('create a container', (engine, abortSignal) =>
        engine.createContainer({ ...options, abortSignal }),
      );
      return textOf(isObject(created) ? Reflect.get(created, 'id') : undefined, 'the id of a container');
    } catch (error) {
      if (isRefusal(error, 409) || (isRefusal(error, 500) && /already in use/i.test(errorMessage(error))))
        return undefined;
      throw error;
    }
  }

  async start(id: string): Promise<void> {
    await this.call('start a container', (engine, abortSignal) =>
      engine.getContainer(id).start({ abortSignal }),
    );
  }

  /** Undefined if there is none with this id or name. */
  async inspect(id: string): Promise<InspectedContainer | undefined> {
    try {
      const found: unknown = await this.call('inspect a container', (engine, abortSignal) =>
        engine.getContainer(id).inspect({ abortSignal }),
      );
      return inspected(found);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  /** All containers with a label, running or not. */
  async list(label: string): Promise<ListedContainer[]> {
    const found: unknown = await this.call('list containers', (engine, abortSignal) =>
      engine.listContainers({ all: true, filters: { label: [label] }, abortSignal }),
    );
    if (!Array.isArray(found)) throw nonsense('a list of containers');
    return found.map(listed);
  }

  /** Stops a container, which gets some seconds to end by itself. One that is gone is no error. */
  async stop(id: string): Promise<void> {
    await this.call(
      'stop a container',
      (engine, abortSignal) => engine.getContainer(id).stop({ t: STOP_SECONDS, abortSignal }),
      this.answerMs + STOP_SECONDS * 1000,
    ).catch(ignoring(304));
  }

  /** Ends and removes a container with its volumes. One that is gone, or being removed, is no error. */
  async remove(id: string): Promise<void> {
    await this.call('remove a container', (engine, abortSignal) =>
      engine.getContainer(id).remove({ force: true, v: true, abortSignal }),
    ).catch(ignoring(409));
  }

  /** The last lines that a container has printed. Empty if they cannot be read. */
  async lastOutput(id: string): Promise<string> {
    try {
      const output: unknown = await this.call('read the output of a container', (engine, abortSignal) =>
        engine
          .getContainer(id)
          .logs({ stdout: true, stderr: true, tail: LOG_LINES, follow: false, abortSignal }),
      );
      return Buffer.isBuffer(output) ? printed(output).slice(-MAX_LOG).trim() : '';
    } catch {
      return '';
    }
  }

  private async call<T>(
    what: string,
    action: (engine: Dockerode, abortSignal: AbortSignal) => Promise<T>,
    ms = this.answerMs,
  ): Promise<T> {
    this.client ??= import('dockerode').then(({ default: Client }) => Client);
    const Client = await this.client.catch((error: unknown) => {
      this.client = undefined;
      throw new EngineAwayError(`its client cannot be loaded: ${errorMessage(error)}`);
    });
    const stop = new AbortController();
    const end = new ConnectionEnd();
    try {
      const called = action(new Client(optionsFor(this.address, end.reached)), stop.signal);
      // Not only the signal: it ends the request, but not the wait for an answer that comes byte by byte.
      const answer = await withTimeout(Promise.race([called, end.withoutAnswer]), ms, () => {
        throw new EngineAwayError(`${this.address.shown} did not answer within ${ms / 1000} s (${what})`);
      });
      this.watch.reached(this.address.shown);
      return answer;
    } catch (error) {
      const failure = this.failure(what, error);
      if (failure instanceof EngineAwayError) this.watch.failed(failure);
      else this.watch.reached(this.address.shown);
      throw failure;
    } finally {
      end.forget();
      stop.abort();
    }
  }

  private failure(what: string, error: unknown): Error {
    if (error instanceof EngineAwayError) return error;
    const status: unknown = isObject(error) ? Reflect.get(error, 'statusCode') : undefined;
    if (typeof status === 'number' && status > 0)
      return new EngineRefusedError(`The container engine could not ${what}: ${reasonOf(error)}`, status);
    const { shown } = this.address;
    switch (errorCode(error)) {
      case 'ENOENT':
        return new EngineAwayError(
          `there is no socket at ${shown}. Start the engine, or set conversation_engine`,
        );
      case 'ECONNREFUSED':
        return new EngineAwayError(
          `nothing listens at ${shown}. Start the engine, or set conversation_engine`,
        );
      case 'EACCES':
        return new EngineAwayError(
          `this server may not use ${shown}. Add its user to the group of the socket, or set conversation_engine`,
        );
      default:
        return new EngineAwayError(
          `${shown} gives no usable answer (${what}: ${errorMessage(error).slice(0, MAX_MESSAGE)})`,
        );
    }
  }
}

/** Where the engine listens. */
export type EngineAddress = { shown: string } & ({ socketPath: string } | { host: string; port: number });

/** @param configured `conversation_engine`; without one `DOCKER_HOST` counts, then Docker's own socket */
export function engineAddress(configured: string | null, env: NodeJS.ProcessEnv): EngineAddress {
  const given = configured ?? env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
  if (!/^(tcp|http):/.test(given)) {
    const socketPath = given.replace(/^unix:\/\//, '');
    return { socketPath, shown: socketPath };
  }
  const url = new URL(given.replace(/^tcp:/, 'http:'));
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port), shown: url.host };
}

/** For a client of one call. */
function optionsFor(address: EngineAddress, onEnd: () => void): Dockerode.DockerOptions {
  // Named one by one: what is missing would be taken from `DOCKER_HOST` and other variables.
  const none = { ca: undefined, cert: undefined, key: undefined, host: undefined, socketPath: undefined };
  const agent = new BoundedAgent(MAX_ANSWER_BYTES, onEnd);
  const options: Dockerode.DockerOptions & { agent: BoundedAgent } = {
    ...none,
    protocol: 'http',
    ...address,
    agent,
  };
  return options;
}

/** Notices that a connection has ended without an answer: the client library would wait for ever. */
class ConnectionEnd {
  private timer: NodeJS.Timeout | undefined;
  private fail: (error: Error) => void = () => undefined;
  readonly withoutAnswer = new Promise<never>((_, reject) => (this.fail = reject));

  constructor() {
    // Nobody may wait for it any more.
    this.withoutAnswer.catch(() => undefined);
  }

  readonly reached = (): void => {
    this.timer = setTimeout(() => this.fail(new Error('the answer breaks off')), READ_MS);
  };

  forget(): void {
    clearTimeout(this.timer);
  }
}

function listed(entry: unknown): ListedContainer {
  if (!isJsonObject(entry)) throw nonsense('a container in a list');
  return {
    id: textOf(entry['Id'], 'the id of a container'),
    labels: textsOf(entry['Labels']),
    names: namesOf(entry['Names']),
    isRunning: entry['State'] === 'running',
  };
}

function inspected(found: unknown): InspectedContainer {
  const { Id, State, Config, NetworkSettings } = objectOf(found);
  const state = objectOf(State);
  const { Ports, Networks } = objectOf(NetworkSettings);
  const bindings = objectOf(Ports)[SERVER_PORT];
  const binding = objectOf(Array.isArray(bindings) ? bindings[0] : undefined);
  const { HostIp: host, HostPort: port } = binding;
  const addresses = Object.entries(objectOf(Networks)).map(([name, network]): [string, string] => {
    const address = objectOf(network)['IPAddress'];
    return [name, typeof address === 'string' ? address : ''];
  });
  return {
    id: textOf(Id, 'the id of a container'),
    isRunning: state['Running'] === true,
    labels: textsOf(objectOf(Config)['Labels']),
    ending: endingOf(state),
    published: typeof host === 'string' && typeof port === 'string' ? `${host}:${port}` : undefined,
    addresses: Object.fromEntries(addresses),
  };
}

/** The port of the server in each container. */
export const SERVER_PORT = '8000/tcp';

function endingOf(state: JsonObject): string {
  const { OOMKilled: killed, ExitCode: code, Error: error } = state;
  if (killed === true) return 'it needed more memory than conversation_container_memory allows';
  const reason = typeof error === 'string' && error !== '' ? `, ${error.slice(0, MAX_MESSAGE)}` : '';
  return `exit code ${typeof code === 'number' ? code : 'unknown'}${reason}`;
}

/** The output of a container without a terminal: frames of 8 bytes of header and some of text. */
function printed(output: Buffer): string {
  const parts: Buffer[] = [];
  let at = 0;
  while (at + 8 <= output.length && (output[at] ?? 9) <= 2 && output.readUIntBE(at + 1, 3) === 0) {
    const length = output.readUInt32BE(at + 4);
    parts.push(output.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return parts.length > 0 ? Buffer.concat(parts).toString() : output.toString();
}

/** @param statuses of refusals that are no failure */
function ignoring(...statuses: number[]): (error: unknown) => undefined {
  return (error) => {
    if (isGone(error) || statuses.some((status) => isRefusal(error, status))) return undefined;
    throw error;
  };
}

/** Podman answers 500 for a container that is removed while it is asked for. */
function isGone(error: unknown): boolean {
  return isRefusal(error, 404) || (isRefusal(error, 500) && /no such container/i.test(errorMessage(error)));
}

function isRefusal(error: unknown, status: number): boolean {
  return error instanceof EngineRefusedError && error.status === status;
}

/** The engine's own words: the client library puts its answer into a field of the error. */
function reasonOf(error: unknown): string {
  const json: unknown = isObject(error) ? Reflect.get(error, 'json') : undefined;
  const message = isJsonObject(json) ? json['message'] : undefined;
  return (typeof message === 'string' ? message : errorMessage(error)).slice(0, MAX_MESSAGE);
}

function nonsense(what: string): EngineRefusedError {
  return new EngineRefusedError(`The container engine has answered with something else than ${what}`, 0);
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string' || !/^[\w.-]{1,128}$/.test(value)) throw nonsense(what);
  return value;
}

function textsOf(value: unknown): Record<string, string> {
  const entries = Object.entries(objectOf(value));
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** The engine writes names with a slash in front. */
function namesOf(value: unknown): string[] {
  const names: unknown[] = Array.isArray(value) ? value : [];
  return names.filter((name) => typeof name === 'string').map((name) => name.replace(/^\//, ''));
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
