import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../../../config/index.js';
import { makeFolder, persistenceRoot, isFolder } from '../../../files/index.js';
import { toStorageError } from '../../../storage/index.js';
import { Installations } from '../../installation/installations.js';
import { readCanvasManifest } from '../canvas-manifest.js';
import { readApproval, removeApproval, writeApproval } from './approval-file.js';
import { removeOtherArtifacts, prepareArtifact } from './artifacts/artifact-store.js';
import { BackendRefusedError } from './backend-errors.js';
import { BackendLog } from './processes/backend-log.js';
import {
  artifactFor,
  type CanvasExtensionBackendArtifactDto,
  type CanvasExtensionBackendDto,
  filledArguments,
  platformName,
} from './backend-manifest.js';
import { BackendPaths } from './backend-paths.js';
import { type BackendPlan, BackendRun } from './processes/backend-run.js';
import { RunRecords } from './processes/run-records.js';
import { KeyedSerialQueue } from '../../../flow/index.js';

/** The status of a canvas extension's back end. */
export interface BackendStatus {
  name: string;
  /** `missing`: the extension is not installed or invalid. */
  state: 'missing' | 'stopped' | 'starting' | 'ready' | 'unhealthy' | 'unsupported';
  /** Commit, or digest of the manifest. */
  revision: string | null;
  /** The approved revision. */
  prepared_revision: string | null;
  pid: number | null;
  port: number | null;
  detail: string | null;
}

/** An installed extension with a back end for this platform. */
interface RunnableBackend {
  name: string;
  revision: string;
  /** Absolute path. */
  folder: string;
  backend: CanvasExtensionBackendDto;
  artifact: CanvasExtensionBackendArtifactDto;
}

/** Why a back end cannot run. */
interface UnavailableBackend {
  state: 'missing' | 'unsupported';
  revision: string | null;
  detail: string;
}

const OTHER_REVISION = 'approval revision does not match installed revision';

/**
 * Runs the back ends of canvas extensions: programs that a user has approved version by version. Each runs at
 * most once, and operations on one back end run in sequence.
 */
@Injectable()
export class CanvasBackends implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly paths: BackendPaths;
  private readonly runRecords: RunRecords;
  private readonly queue = new KeyedSerialQueue();
  private readonly runs = new Map<string, BackendRun>();
  private readonly logs = new Map<string, BackendLog>();
  private leftoversKilled: Promise<void> = Promise.resolve();
  private closing = false;

  constructor(
    { base_dir }: AppConfig,
    private readonly installations: Installations,
  ) {
    this.paths = new BackendPaths(persistenceRoot(base_dir));
    this.runRecords = new RunRecords(this.paths.running);
  }

  onApplicationBootstrap(): void {
    this.leftoversKilled = this.runRecords.killLeftovers();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closing = true;
    await Promise.all([...this.runs.values()].map((run) => run.stop()));
  }

  /** @throws DamagedDocumentError, StorageFailedError */
  async status(name: string): Promise<BackendStatus> {
    const found = await this.find(name);
    const prepared_revision = (await readApproval(this.paths.approval(name)))?.revision ?? null;
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
    // It may have ended during the check.
    if (this.runs.get(name) !== run || !isReady(run)) return this.status(name);
    return { ...running, state: 'unhealthy', detail: 'Backend health probe failed' };
  }

  /**
   * Approves a version after fetching and verifying its program.
   * @throws BackendRefusedError, DamagedDocumentError, StorageFailedError
   */
  async prepare(name: string, revision: string): Promise<BackendStatus> {
    await this.queue.run(name, async () => {
      const found = await this.find(name);
      if ('state' in found) return;
      if (found.revision !== revision) throw new BackendRefusedError(OTHER_REVISION);
      const { artifact, folder } = found;
      const artifact_dir = await prepareArtifact(this.paths, name, artifact, folder);
      const approved = { revision, platform: platformName(), artifact_sha256: artifact.sha256, artifact_dir };
      await writeApproval(this.paths.approval(name), approved);
      if (!this.isRunning(name)) await removeOtherArtifacts(artifact_dir);
    });
    return this.status(name);
  }

  /**
   * Starts a prepared version and waits until it is ready or has failed, which its state reports.
   * @throws BackendRefusedError, DamagedDocumentError, StorageFailedError
   */
  async start(name: string, revision: string): Promise<BackendStatus> {
    await this.leftoversKilled;
    const run = await this.queue.run(name, async () => {
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
      const started = new BackendRun(plan, log, this.runRecords);
      this.runs.set(name, started);
      this.logs.set(name, log);
      return started;
    });
    await run?.started;
    return this.status(name);
  }

  /** Stops it, also during its start. */
  async stop(name: string): Promise<BackendStatus> {
    await this.queue.run(name, () => this.end(name));
    return this.status(name);
  }

  /** The last output of its latest run. */
  tail(name: string, limit: number): { logs: string; truncated: boolean } {
    return this.logs.get(name)?.tail(limit) ?? { logs: '', truncated: false };
  }

  /**
   * Removes its data.
   * @throws BackendRefusedError while it runs, StorageFailedError
   */
  async removeData(name: string): Promise<BackendStatus> {
    await this.queue.run(name, async () => {
      if (this.isRunning(name)) throw new BackendRefusedError('stop the backend before deleting its data');
      await rm(this.paths.data(name), { recursive: true, force: true }).catch((error: unknown) => {
        throw toStorageError(error);
      });
    });
    return this.status(name);
  }

  /** The run of a ready back end. */
  readyRun(name: string): BackendRun | undefined {
    const run = this.runs.get(name);
    return run && isReady(run) ? run : undefined;
  }

  /**
   * Installs an extension while no back end starts. A new version has to be prepared again.
   * @throws BackendRefusedError if a forced install could replace a running back end; errors of the work
   */
  installExclusively<T extends { name: string }>(force: boolean, work: () => Promise<T>): Promise<T> {
    return this.queue.runExclusively(async () => {
      if (force && [...this.runs.keys()].some((name) => this.isRunning(name)))
        throw new BackendRefusedError('Stop running Canvas App backends before a forced install');
      const installed = await work();
      await removeApproval(this.paths.approval(installed.name));
      return installed;
    });
  }

  /** Stops it and does the work before it can be started again. */
  afterStop<T>(name: string, work: () => Promise<T>): Promise<T> {
    return this.queue.run(name, async () => {
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

  private async assertPrepared({ name, revision, artifact }: RunnableBackend, wanted: string): Promise<void> {
    if (revision !== wanted) throw new BackendRefusedError(OTHER_REVISION);
    const approval = await readApproval(this.paths.approval(name));
    const isPrepared =
      approval?.revision === revision &&
      approval.platform === platformName() &&
      approval.artifact_sha256 === artifact.sha256;
    if (!isPrepared) throw new BackendRefusedError('backend revision must be prepared before start');
    if (!(await isFolder(this.paths.artifact(name, artifact.sha256))))
      throw new BackendRefusedError('prepared backend artifact is missing');
  }

  private async planOf({ name, revision, folder, backend, artifact }: RunnableBackend): Promise<BackendPlan> {
    const home = this.paths.home(name);
    await makeFolder(home, 0o700).catch((error: unknown) => {
      throw toStorageError(error);
    });
    const artifact_dir = this.paths.artifact(name, artifact.sha256);
    const data_dir = this.paths.data(name);
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

  private async find(name: string): Promise<RunnableBackend | UnavailableBackend> {
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

/** A function, because the value may change during an await. */
function isReady(run: BackendRun): boolean {
  return run.state === 'ready';
}
