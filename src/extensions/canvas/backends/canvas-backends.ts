import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../../../config/index.js';
import { makeFolder, persistenceRoot } from '../../../files/index.js';
import { storageFailure } from '../../../storage/index.js';
import { Installations } from '../../installation/installations.js';
import { readCanvasManifest } from '../canvas-manifest.js';
import { readApproval, removeApproval, writeApproval } from './approval-file.js';
import { isFolder, removeOtherArtifacts, unpackedArtifact } from './artifact-store.js';
import { BackendRefusedError } from './backend-errors.js';
import { BackendLog } from './backend-log.js';
import {
  artifactFor,
  type CanvasExtensionBackendArtifactDto,
  type CanvasExtensionBackendDto,
  filledArguments,
  platformName,
} from './backend-manifest.js';
import { BackendPlaces } from './backend-places.js';
import { type BackendPlan, BackendRun } from './backend-run.js';
import { LeftBehind } from './left-behind.js';
import { KeyedSerialQueue } from '../../../flow/index.js';

/** What is known of the back end of a canvas extension. */
export interface BackendStatus {
  name: string;
  /** `missing`: there is no such extension, or none that is valid. */
  state: 'missing' | 'stopped' | 'starting' | 'ready' | 'unhealthy' | 'unsupported';
  /** The commit, or the digest of the manifest. */
  revision: string | null;
  /** The one that a person has allowed to run. */
  prepared_revision: string | null;
  pid: number | null;
  port: number | null;
  detail: string | null;
}

/** An installed extension whose back end can run here. */
interface Runnable {
  name: string;
  revision: string;
  /** Absolute path. */
  folder: string;
  backend: CanvasExtensionBackendDto;
  artifact: CanvasExtensionBackendArtifactDto;
}

/** Why there is nothing to run. */
interface NotRunnable {
  state: 'missing' | 'unsupported';
  revision: string | null;
  detail: string;
}

const OTHER_REVISION = 'approval revision does not match installed revision';

/**
 * The back ends of canvas extensions: programs that a person has allowed, version by version, to run beside
 * the server. Each runs at most once; what is asked for one of them happens one after another.
 */
@Injectable()
export class CanvasBackends implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly places: BackendPlaces;
  private readonly leftBehind: LeftBehind;
  private readonly turns = new KeyedSerialQueue();
  private readonly runs = new Map<string, BackendRun>();
  private readonly logs = new Map<string, BackendLog>();
  private swept: Promise<void> = Promise.resolve();
  private closing = false;

  constructor(
    { base_dir }: AppConfig,
    private readonly installations: Installations,
  ) {
    this.places = new BackendPlaces(persistenceRoot(base_dir));
    this.leftBehind = new LeftBehind(this.places.running);
  }

  onApplicationBootstrap(): void {
    this.swept = this.leftBehind.end();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closing = true;
    await Promise.all([...this.runs.values()].map((run) => run.stop()));
  }

  /** @throws DamagedFileError, StorageFailedError */
  async status(name: string): Promise<BackendStatus> {
    const found = await this.find(name);
    const prepared_revision = (await readApproval(this.places.approval(name)))?.revision ?? null;
    const nothing = {
      name,
      revision: found.revision,
      prepared_revision,
      pid: null,
      port: null,
      detail: null,
    };
    if ('state' in found) return { ...nothing, ...found };
    const run = this.runs.get(name);
    if (!run) return { ...nothing, state: 'stopped' };
    if (run.state === 'ended') {
      return { ...nothing, state: run.detail === null ? 'stopped' : 'unhealthy', detail: run.detail };
    }
    const running = { ...nothing, pid: run.pid, port: run.port };
    if (run.state === 'starting') return { ...running, state: 'starting' };
    if (await run.isHealthy()) return { ...running, state: 'ready' };
    // It may have ended while it was asked.
    if (this.runs.get(name) !== run || !isReady(run)) return this.status(name);
    return { ...running, state: 'unhealthy', detail: 'Backend health probe failed' };
  }

  /**
   * Allows a version to run, once its program is there and is the one that the manifest means.
   * @throws BackendRefusedError, DamagedFileError, StorageFailedError
   */
  async prepare(name: string, revision: string): Promise<BackendStatus> {
    await this.turns.run(name, async () => {
      const found = await this.find(name);
      if ('state' in found) return;
      if (found.revision !== revision) throw new BackendRefusedError(OTHER_REVISION);
      const { artifact, folder } = found;
      const artifact_dir = await unpackedArtifact(this.places, name, artifact, folder);
      const approved = { revision, platform: platformName(), artifact_sha256: artifact.sha256, artifact_dir };
      await writeApproval(this.places.approval(name), approved);
      if (!this.isRunning(name)) await removeOtherArtifacts(artifact_dir);
    });
    return this.status(name);
  }

  /**
   * Runs a version that was prepared, and waits until it serves or has failed; that is what its state says.
   * @throws BackendRefusedError, DamagedFileError, StorageFailedError
   */
  async start(name: string, revision: string): Promise<BackendStatus> {
    await this.swept;
    const run = await this.turns.run(name, async () => {
      const found = await this.find(name);
      if ('state' in found) return undefined;
      const current = this.runs.get(name);
      if (current && current.state !== 'ended') {
        if (current.revision === revision) return current;
        throw new BackendRefusedError('a different backend revision is already running');
      }
      await this.assertPrepared(found, revision);
      const plan = await this.planOf(found);
      if (this.closing) throw new BackendRefusedError('the server is shutting down');
      const log = new BackendLog();
      const started = new BackendRun(plan, log, this.leftBehind);
      this.runs.set(name, started);
      this.logs.set(name, log);
      return started;
    });
    await run?.started;
    return this.status(name);
  }

  /** Ends it, also while it starts. */
  async stop(name: string): Promise<BackendStatus> {
    await this.turns.run(name, () => this.end(name));
    return this.status(name);
  }

  /** The end of what it printed when it ran last. */
  tail(name: string, limit: number): { logs: string; truncated: boolean } {
    return this.logs.get(name)?.tail(limit) ?? { logs: '', truncated: false };
  }

  /**
   * Removes what it has stored.
   * @throws BackendRefusedError while it runs, StorageFailedError
   */
  async removeData(name: string): Promise<BackendStatus> {
    await this.turns.run(name, async () => {
      if (this.isRunning(name)) throw new BackendRefusedError('stop the backend before deleting its data');
      await rm(this.places.data(name), { recursive: true, force: true }).catch((error: unknown) => {
        throw storageFailure(error);
      });
    });
    return this.status(name);
  }

  /** The run of a back end that serves. */
  serving(name: string): BackendRun | undefined {
    const run = this.runs.get(name);
    return run && isReady(run) ? run : undefined;
  }

  /**
   * Installs an extension while nothing starts. What is installed anew has to be prepared again.
   * @throws BackendRefusedError when something runs that may be replaced, and whatever the work throws
   */
  installing<T extends { name: string }>(force: boolean, work: () => Promise<T>): Promise<T> {
    return this.turns.runExclusively(async () => {
      if (force && [...this.runs.keys()].some((name) => this.isRunning(name)))
        throw new BackendRefusedError('Stop running Canvas App backends before a forced install');
      const installed = await work();
      await removeApproval(this.places.approval(installed.name));
      return installed;
    });
  }

  /** Ends it and, before it can be started again, does something to its extension. */
  afterEnd<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.turns.run(name, async () => {
      await this.end(name);
      return work();
    });
  }

  private async end(name: string): Promise<void> {
    await this.runs.get(name)?.stop();
    this.runs.delete(name);
  }

  private isRunning(name: string): boolean {
    const run = this.runs.get(name);
    return run !== undefined && run.state !== 'ended';
  }

  private async assertPrepared({ name, revision, artifact }: Runnable, wanted: string): Promise<void> {
    if (revision !== wanted) throw new BackendRefusedError(OTHER_REVISION);
    const approval = await readApproval(this.places.approval(name));
    const isPrepared =
      approval?.revision === revision &&
      approval.platform === platformName() &&
      approval.artifact_sha256 === artifact.sha256;
    if (!isPrepared) throw new BackendRefusedError('backend revision must be prepared before start');
    if (!(await isFolder(this.places.artifact(name, artifact.sha256))))
      throw new BackendRefusedError('prepared backend artifact is missing');
  }

  private async planOf({ name, revision, folder, backend, artifact }: Runnable): Promise<BackendPlan> {
    const home = this.places.home(name);
    await makeFolder(home, 0o700).catch((error: unknown) => {
      throw storageFailure(error);
    });
    const artifact_dir = this.places.artifact(name, artifact.sha256);
    const data_dir = this.places.data(name);
    const inherited = backend.inherit_environment.flatMap((variable): [string, string][] => {
      const value = process.env[variable];
      return value === undefined ? [] : [[variable, value]];
    });
    const fixed = {
      artifact: artifact_dir,
      cwd: folder,
      env: { ...Object.fromEntries(inherited), HOME: home },
      mark: `canvas-${randomUUID()}`,
    };
    const program = (port: number) => ({
      ...fixed,
      command: filledArguments(backend, { artifact_dir, data_dir, port: String(port) }),
    });
    return { name, revision, program, health: backend.health };
  }

  private async find(name: string): Promise<Runnable | NotRunnable> {
    const installed = (await this.installations.canvas.list()).find((entry) => entry.name === name);
    const read = installed && (await readCanvasManifest(installed.install_path).catch(() => undefined));
    if (!installed || !read) {
      const detail = 'Canvas App is not installed or its manifest is invalid';
      return { state: 'missing', revision: null, detail };
    }
    const revision = installed.resolved_ref ?? read.digest;
    const { backend } = read.manifest;
    if (backend === null) {
      return { state: 'unsupported', revision, detail: 'Canvas App does not declare a backend' };
    }
    const artifact = artifactFor(backend);
    if (!artifact) {
      return { state: 'unsupported', revision, detail: 'Canvas App backend does not support this platform' };
    }
    return { name, revision, folder: installed.install_path, backend, artifact };
  }
}

/** Its value may change while something is waited for. */
function isReady(run: BackendRun): boolean {
  return run.state === 'ready';
}
