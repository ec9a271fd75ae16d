import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { HttpException, Logger } from '@nestjs/common';
import type { AppConfig } from '../../config/index.js';
import type { ConversationsService, PortableRequests } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import type { EventBus } from '../../events/index.js';
import { KeyedSerialQueue } from '../../flow/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';
import type { ContainerDeletion } from '../fleet/container-deletion.js';
import { ContainerError } from '../fleet/container-errors.js';
import { type ContainerFolders, foldersOf, INSIDE } from '../fleet/container-plan.js';
import type { ConversationContainers } from '../fleet/conversation-containers.js';
import { createInside } from '../fleet/inner-server.js';
import type { LogFollower } from '../fleet/log-follower.js';
import type { ContainerOptions, ContainerRecord } from '../records/container-record.js';
import { requestedWorkspace } from './workspace-folder.js';

/** The answer to a create request. */
export interface CreationAnswer {
  /** The conversation, whatever the body says, which comes from the container. */
  id: string;
  status: number;
  body: JsonObject;
}

/** Creates conversations in containers. A creation that fails leaves nothing behind. */
export class ContainerCreation {
  private readonly logger = new Logger('Containers');
  /** Creations of one id, one after the other. */
  private readonly creations = new KeyedSerialQueue();

  constructor(
    private readonly containers: ConversationContainers,
    private readonly deletion: ContainerDeletion,
    private readonly follower: LogFollower,
    private readonly requests: PortableRequests,
    private readonly conversations: ConversationsService,
    private readonly bus: EventBus,
    private readonly folders: ContainerFolders,
    private readonly config: AppConfig,
  ) {}

  /**
   * @param target path and query of the request
   * @throws HttpException, DomainError, RequestValidationError
   */
  async create(raw: JsonObject, headers: IncomingHttpHeaders, target: string): Promise<CreationAnswer> {
    const given = { ...raw, workspace: raw['workspace'] ?? { working_dir: INSIDE.workspace } };
    const workspace = await requestedWorkspace(given, this.config);
    const { id, body } = await this.requests.make(given, headers, INSIDE.workspace);
    return this.creations.run(id, () => this.createOnce(id, body, workspace, optionsIn(raw), target));
  }

  private async createOnce(
    id: string,
    body: JsonObject,
    workspace: string | undefined,
    options: ContainerOptions | null,
    target: string,
  ): Promise<CreationAnswer> {
    if (this.containers.has(id)) return this.existing(id, workspace);
    if (await this.conversations.exists(id))
      throw new HttpException(
        { detail: 'An existing local conversation cannot become a Docker runtime' },
        422,
      );
    const record: ContainerRecord = {
      conversationId: id,
      apiKey: randomBytes(32).toString('base64url'),
      encryptionKey: randomBytes(32).toString('base64url'),
      workspace: workspace ?? foldersOf(this.folders, id).ownWorkspace,
      container: options,
      isCreated: false,
    };
    // Before the container: a crash in between leaves a record, by which the next start removes the rest.
    await this.containers.records.save(record);
    try {
      const answer = await this.createIn(record, body, target);
      await this.containers.records.save({ ...record, isCreated: true });
      await this.follower.begin(id, true);
      const info = await this.conversations.describe(id, { includeSkills: false, runtimeInfo: false });
      await this.bus.publishChange({ conversationId: id, info: () => info });
      return answer;
    } catch (error) {
      await this.deletion.removeFailed(id).catch((failure: unknown) => {
        this.logger.error(`conversation ${id}: what its creation has left stays: ${errorMessage(failure)}`);
      });
      throw error;
    }
  }

  private async createIn(
    { conversationId: id }: ContainerRecord,
    body: JsonObject,
    target: string,
  ): Promise<CreationAnswer> {
    const { container, release } = await this.containers.use(id);
    try {
      const answer = await createInside(container.server, target, body, {}).catch((error: unknown) => {
        throw new ContainerError(
          'upstream-failed',
          `Conversation container did not accept the request: ${errorMessage(error)}`,
        );
      });
      if (answer.status < 300) return { id, status: answer.status, body: answer.body };
      // Its words are about the request of the client; those of a failure are for the log.
      if (answer.status < 500 && answer.body['detail'] !== undefined)
        throw new HttpException({ detail: answer.body['detail'] }, answer.status);
      this.logger.error(
        `conversation ${id}: its server answers ${answer.status}: ${answer.text.slice(0, 1_000)}`,
      );
      throw new ContainerError('upstream-failed', 'Conversation runtime rejected the request');
    } finally {
      release();
    }
  }

  private async existing(id: string, workspace: string | undefined): Promise<CreationAnswer> {
    const record = this.containers.records.get(id);
    if (workspace !== undefined && record && workspace !== record.workspace)
      throw new HttpException({ detail: 'A conversation cannot change workspaces' }, 422);
    const info = await this.conversations.describe(id, { includeSkills: false, runtimeInfo: false });
    return { id, status: 200, body: info };
  }
}

function optionsIn(raw: JsonObject): ContainerOptions | null {
  if (!isJsonObject(raw['container'])) return null;
  const { memory, cpus, browser } = asJsonObject(raw['container']);
  return {
    memory: typeof memory === 'string' ? memory : null,
    cpus: typeof cpus === 'number' ? cpus : null,
    browser: browser !== false,
  };
}
