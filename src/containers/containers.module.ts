import { Global, Module, type Type } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { AppConfig } from '../config/index.js';
import { ConversationsService, KeyWorkspaces, PortableRequests } from '../conversations/index.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { Cipher, SecretCodec } from '../crypto/index.js';
import { EventBus } from '../events/index.js';
import { variablesLike } from '../processes/index.js';
import { ConversationRuntime } from '../server/index.js';
import { SocketsModule } from '../sockets/index.js';
import { EventLogStore, ReservedConversations } from '../storage/index.js';
import { StorageModule } from '../storage/storage.module.js';
import { KeyAccounts } from './accounts/key-accounts.js';
import { ContainersController } from './containers.controller.js';
import { ContainerCreation } from './creation/container-creation.js';
import { ContainerCreationInterceptor } from './creation/container-creation.interceptor.js';
import { WorkspaceFolders } from './creation/workspace-folders.js';
import { ContainerArchive } from './disk/container-archive.js';
import { RuntimeTrash } from './disk/runtime-trash.js';
import { ContainerEngine, engineAddress } from './engine/container-engine.js';
import { EngineWatch } from './engine/engine-watch.js';
import { ContainerDeletion } from './fleet/container-deletion.js';
import { type ContainerFolders, containerFolders, hasBrowser } from './fleet/container-plan.js';
import { ContainerStarter } from './fleet/container-starter.js';
import { ConversationContainers } from './fleet/conversation-containers.js';
import { FleetUpkeep } from './fleet/fleet-upkeep.js';
import { LogFollower } from './fleet/log-follower.js';
import { ContainerRecords } from './records/container-records.js';
import { changeAnnouncer } from './routing/change-announcer.js';
import { ContainerForwarder } from './routing/container-forwarder.js';
import { ContainerSockets } from './routing/container-sockets.js';
import { ContainersGuard } from './routing/containers.guard.js';
import { RuntimeRoutes } from './routing/runtime-routes.js';

/** The token of the folders, which are a plain object. */
const FOLDERS = Symbol('ContainerFolders');

/**
 * Conversations in containers. Imported only where they are configured, after the module that checks session
 * keys, whose guard has to come first.
 */
@Global()
@Module({
  imports: [ConversationsModule, SocketsModule, StorageModule],
  controllers: [ContainersController],
  providers: [
    EngineWatch,
    FleetUpkeep,
    ContainerArchive,
    KeyAccounts,
    ContainerSockets,
    { provide: WorkspaceFolders, inject: [AppConfig, KeyWorkspaces], useFactory: workspaceFolders },
    { provide: FOLDERS, inject: [AppConfig], useFactory: containerFolders },
    {
      provide: ContainerEngine,
      inject: [AppConfig, EngineWatch],
      useFactory: ({ conversation_engine }: AppConfig, watch: EngineWatch) =>
        new ContainerEngine(engineAddress(conversation_engine, process.env), watch),
    },
    {
      provide: ContainerRecords,
      inject: [FOLDERS, Cipher, SecretCodec, ReservedConversations],
      useFactory: (
        { control }: ContainerFolders,
        cipher: Cipher,
        codec: SecretCodec,
        reserved: ReservedConversations,
      ) => {
        if (!cipher.enabled)
          throw new Error('conversations in containers need a secret key: set OH_SECRET_KEY');
        return new ContainerRecords(control, cipher, codec, reserved);
      },
    },
    {
      provide: LogFollower,
      inject: [FOLDERS, EventBus, EventLogStore, ConversationsService],
      useFactory: (
        folders: ContainerFolders,
        bus: EventBus,
        logs: EventLogStore,
        conversations: ConversationsService,
      ) => new LogFollower(folders, bus, logs, conversations),
    },
    {
      provide: ConversationContainers,
      inject: [ContainerEngine, ContainerRecords, FOLDERS, LogFollower, AppConfig],
      useFactory: (
        engine: ContainerEngine,
        records: ContainerRecords,
        folders: ContainerFolders,
        follower: LogFollower,
        config: AppConfig,
      ) => {
        const environment = () => variablesLike(config.conversation_container_environment);
        const starter = new ContainerStarter(engine, folders, config, environment);
        return new ConversationContainers(
          engine,
          starter,
          records,
          folders,
          new RuntimeTrash(folders.data),
          (id, isRunning) => follower.follow(id, isRunning),
        );
      },
    },
    service(ContainerDeletion, [
      ConversationContainers,
      LogFollower,
      ConversationsService,
      ReservedConversations,
      EventBus,
    ]),
    service(ContainerCreation, [
      ConversationContainers,
      ContainerDeletion,
      LogFollower,
      PortableRequests,
      ConversationsService,
      EventBus,
      FOLDERS,
      WorkspaceFolders,
      KeyAccounts,
    ]),
    service(RuntimeRoutes, [ConversationContainers, ContainerDeletion]),
    {
      provide: ContainerForwarder,
      inject: [ConversationContainers, ConversationsService, EventBus, AppConfig],
      useFactory: (
        containers: ConversationContainers,
        conversations: ConversationsService,
        bus: EventBus,
        { trust_workspace_pages: trustPages }: AppConfig,
      ) =>
        new ContainerForwarder(containers, { trustPages, afterRequest: changeAnnouncer(conversations, bus) }),
    },
    {
      provide: ConversationRuntime,
      inject: [EngineWatch, ConversationContainers, AppConfig],
      useFactory: (
        watch: EngineWatch,
        containers: ConversationContainers,
        config: AppConfig,
      ): ConversationRuntime => ({
        hasBrowser: hasBrowser(config),
        info: () => ({
          available: watch.reason === undefined,
          reason: watch.reason ?? null,
          running: containers.running.length,
        }),
      }),
    },
    { provide: APP_GUARD, useClass: ContainersGuard },
    { provide: APP_INTERCEPTOR, useClass: ContainerCreationInterceptor },
  ],
  exports: [ContainerSockets, ConversationRuntime],
})
export class ContainersModule {}

function workspaceFolders(config: AppConfig, ofKeys: KeyWorkspaces): WorkspaceFolders {
  return new WorkspaceFolders(config, ofKeys);
}

/** A class whose constructor takes what these tokens stand for. */
function service<T>(type: Type<T>, tokens: readonly (symbol | object)[]) {
  return {
    provide: type,
    inject: tokens as (symbol | Type)[],
    useFactory: (...parts: unknown[]) => new type(...parts),
  };
}
