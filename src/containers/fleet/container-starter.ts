import { setTimeout as delay } from 'node:timers/promises';
import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import type { AppConfig } from '../../config/index.js';
import { errorMessage } from '../../errors/index.js';
import { makeFolder, undefinedIfMissing } from '../../files/index.js';
import type { ContainerEngine, InspectedContainer } from '../engine/container-engine.js';
import { EngineAwayError, EngineRefusedError } from '../engine/engine-errors.js';
import type { ContainerRecord } from '../records/container-record.js';
import { ContainerError } from './container-errors.js';
import {
  containerName,
  containerPlan,
  type ContainerFolders,
  CONVERSATION_LABEL,
  foldersOf,
  INNER_PORT,
  OWNER_LABEL,
  ownerOf,
} from './container-plan.js';
import { initialize, type InnerServer } from './inner-server.js';

/** Between two looks at a server that starts (ms). */
const LOOK_MS = 100;
/** Another server of the same folders may be creating the container. */
const MAX_ATTEMPTS = 3;

/** A container whose server accepts requests. */
export interface RunningContainer {
  containerId: string;
  server: InnerServer;
}

/** Creates, starts and adopts containers. What a failure leaves of one is removed. */
export class ContainerStarter {
  private readonly logger = new Logger('Containers');
  private readonly owner: string;

  constructor(
    private readonly engine: ContainerEngine,
    private readonly folders: ContainerFolders,
    private readonly config: AppConfig,
    private readonly environment: () => Readonly<Record<string, string>>,
  ) {
    this.owner = ownerOf(folders);
  }

  /** @throws EngineAwayError, ContainerError */
  async start(record: ContainerRecord, stop: AbortSignal): Promise<RunningContainer> {
    const { conversationId: id } = record;
    await this.makeFolders(record);
    const name = containerName(this.owner, id);
    for (let attempt = 1; ; attempt += 1) {
      const existing = await this.engine.inspect(name);
      if (existing && !this.isOf(existing, id)) throw this.nameTaken(name);
      if (existing?.isRunning) return this.adopt(record, existing.id, stop);
      if (existing) await this.engine.remove(existing.id);
      const containerId = await this.create(record);
      if (containerId !== undefined) return this.launch(record, containerId, stop);
      if (attempt === MAX_ATTEMPTS) throw this.nameTaken(name);
    }
  }

  /**
   * Waits until the server of a running container is ready. If it does not become so it is removed; but not
   * because this server stops, or the engine does not answer: its agent may be at work.
   */
  async adopt(record: ContainerRecord, containerId: string, stop: AbortSignal): Promise<RunningContainer> {
    try {
      return await this.becomesReady(record, containerId, stop);
    } catch (error) {
      if (stop.aborted || error instanceof EngineAwayError) throw error;
      await this.giveUp(record, containerId, error);
      throw error;
    }
  }

  private async launch(
    record: ContainerRecord,
    containerId: string,
    stop: AbortSignal,
  ): Promise<RunningContainer> {
    try {
      await this.engine.start(containerId);
      return await this.becomesReady(record, containerId, stop);
    } catch (error) {
      await this.giveUp(record, containerId, error);
      throw error;
    }
  }

  private async create(record: ContainerRecord): Promise<string | undefined> {
    try {
      return await this.engine.create(containerPlan(this.config, this.folders, record));
    } catch (error) {
      const { conversation_image: image } = this.config;
      if (error instanceof EngineRefusedError && error.status === 404)
        throw new ContainerError(
          'upstream-failed',
          `The engine has no image ${image}, or no network conversation_container_network: ${error.message}. ` +
            'Build it (docker build -t openhands-agent-server .) or set conversation_image; nothing is pulled.',
        );
      throw error;
    }
  }

  private async becomesReady(
    record: ContainerRecord,
    containerId: string,
    stop: AbortSignal,
  ): Promise<RunningContainer> {
    const limit = this.config.conversation_container_startup_timeout * 1000;
    const end = performance.now() + limit;
    for (;;) {
      stop.throwIfAborted();
      const found = await this.engine.inspect(containerId);
      if (!found?.isRunning)
        throw new ContainerError(
          'upstream-failed',
          `The container has ended before its server was ready: ${found?.ending ?? 'it was removed'}`,
        );
      const origin = this.originOf(found);
      if (origin && (await initialize(origin, record, this.environment())) === 'ready')
        return { containerId, server: { origin, key: record.apiKey } };
      if (performance.now() > end)
        throw new ContainerError(
          'timeout',
          `The server in the container was not ready within ${limit / 1000} s (conversation_container_startup_timeout)`,
        );
      await delay(LOOK_MS);
    }
  }

  /** Undefined while the engine has not told it yet. */
  private originOf({ published, addresses }: InspectedContainer): URL | undefined {
    const { conversation_container_network: network } = this.config;
    if (network !== null) {
      const address = addresses[network] ?? '';
      if (address === '') return undefined;
      return new URL(`http://${address.includes(':') ? `[${address}]` : address}:${INNER_PORT}`);
    }
    if (published === undefined) return undefined;
    if (!/^127\.0\.0\.1:\d{1,5}$/.test(published))
      throw new ContainerError(
        'upstream-failed',
        `The engine has published the container at ${published} instead of 127.0.0.1: others could reach it`,
      );
    return new URL(`http://${published}`);
  }

  private async giveUp(
    { conversationId: id }: ContainerRecord,
    containerId: string,
    error: unknown,
  ): Promise<void> {
    const output = error instanceof EngineAwayError ? '' : await this.engine.lastOutput(containerId);
    const said = output === '' ? '' : `; its last output:\n${output}`;
    this.logger.error(`the container of conversation ${id} did not start: ${errorMessage(error)}${said}`);
    // If the engine is away now, a later look at all containers removes it.
    await this.engine.remove(containerId).catch(() => undefined);
  }

  private nameTaken(name: string): ContainerError {
    return new ContainerError('conflict', `The engine has another container with the name ${name}`);
  }

  private isOf({ labels }: InspectedContainer, id: string): boolean {
    return labels[OWNER_LABEL] === this.owner && labels[CONVERSATION_LABEL] === id;
  }

  private async makeFolders({ conversationId: id, workspace }: ContainerRecord): Promise<void> {
    const { conversation, home, ownWorkspace } = foldersOf(this.folders, id);
    for (const folder of [conversation, home, ownWorkspace]) {
      await makeFolder(folder, 0o700);
      await assertRealFolder(folder);
    }
    if (workspace === ownWorkspace) return;
    await assertRealFolder(workspace);
    // The container of another conversation may see a folder above it, and have put a link there since.
    if ((await realpath(workspace)) !== path.resolve(workspace))
      throw new ContainerError('upstream-failed', `${workspace} leads elsewhere, so no container can see it`);
  }
}

/** The engine would follow a link that stands in the place of a folder. @throws ContainerError */
async function assertRealFolder(folder: string): Promise<void> {
  const found = await lstat(folder).catch(undefinedIfMissing);
  if (!found?.isDirectory())
    throw new ContainerError('upstream-failed', `${folder} is not a folder, so no container can see it`);
}
