import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { HttpException, Logger } from '@nestjs/common';
import { type Principal, SESSION } from '../../auth/index.js';
import type { ConversationsService, PortableRequest, PortableRequests } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import type { EventBus } from '../../events/index.js';
import { KeyedSerialQueue } from '../../flow/index.js';
import type { KeyAccounts } from '../accounts/key-accounts.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';
import type { ContainerDeletion } from '../fleet/container-deletion.js';
import { ContainerError } from '../fleet/container-errors.js';
import { type ContainerFolders, foldersOf, INSIDE } from '../fleet/container-plan.js';
import type { ConversationContainers } from '../fleet/conversation-containers.js';
import { createInside } from '../fleet/inner-server.js';
import type { LogFollower } from '../fleet/log-follower.js';
import type { ContainerOptions, ContainerRecord } from '../records/container-record.js';
import { assertExistingIsTheirs, assertWithinLimits } from './own-key-containers.js';
import type { RequestedWorkspace, WorkspaceFolders } from './workspace-folders.js';

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
    private readonly workspaces: WorkspaceFolders,
    private readonly accounts: KeyAccounts,
  ) {}

  /**
   * @param target path and query of the request
   * @throws HttpException, DomainError, RequestValidationError
   */
  async create(
    raw: JsonObject,
    headers: IncomingHttpHeaders,
    target: string,
    principal: Principal,
  ): Promise<CreationAnswer> {
    const given = { ...raw, workspace: raw['workspace'] ?? { working_dir: INSIDE.workspace } };
    const options = optionsIn(raw);
    assertWithinLimits(options, this.workspaces.config, principal);
    const workspace = await this.workspaces.requested(given, principal);
    const request = await this.requests.make(given, headers, workspace.workingDir, principal);
    const { id } = request;
    return this.creations.run(id, async () => {
      if (this.containers.has(id)) return this.existing(request, workspace, principal);
      return this.createNew(request, workspace, options, target, principal);
    });
  }

  private async createNew(
    { id, body, launchedProfile }: PortableRequest,
    { folder, workingDir }: RequestedWorkspace,
    options: ContainerOptions | null,
    target: string,
    principal: Principal,
  ): Promise<CreationAnswer> {
    if (await this.conversations.exists(id)) {
      assertExistingIsTheirs(id, undefined, principal);
      throw new HttpException(
        { detail: 'An existing local conversation cannot become a Docker runtime' },
        422,
      );
    }
    const record: ContainerRecord = {
      conversationId: id,
      apiKey: randomBytes(32).toString('base64url'),
      encryptionKey: randomBytes(32).toString('base64url'),
      workspace: folder ?? foldersOf(this.folders, id).ownWorkspace,
      workingDir,
      container: options,
      ownerKey: principal.id === SESSION.id ? null : principal.id,
      launchedProfile,
      countedUsd: 0,
      isCreated: false,
    };
    // Before the container: a crash in between leaves a record, by which the next start removes the rest.
    await this.containers.records.save(record);
    let settleRun: (isAccepted: boolean) => void = () => undefined;
    try {
      if (isJsonObject(body['initial_message'])) settleRun = this.accounts.beginRun(id);
      const answer = await this.createIn(record, body, target);
      settleRun(true);
      await this.follower.begin(id, true);
      await this.containers.records.change(id, { isCreated: true });
      const info = await this.conversations.describe(id, { includeSkills: false, runtimeInfo: false });
      await this.bus.publishChange({ conversationId: id, info: () => info });
      return answer;
    } catch (error) {
      settleRun(false);
      await this.deletion.removeFailed(id).catch((failure: unknown) => {
        this.containers.records.giveUp(id);
        this.logger.warn(
          `conversation ${id}: what its creation has left is removed later: ${errorMessage(failure)}`,
        );
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

  private async existing(
    { id, isDerived }: PortableRequest,
    { folder, workingDir }: RequestedWorkspace,
    principal: Principal,
  ): Promise<CreationAnswer> {
    const record = this.containers.records.get(id);
    assertExistingIsTheirs(id, record?.ownerKey, principal, isDerived);
    const isOther = folder !== record?.workspace || workingDir !== record?.workingDir;
    if (folder !== undefined && record && isOther)
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
