import { Global, Logger, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { AppConfig } from '../config/index.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { AddressProofs, ClusterKeys } from '../crypto/index.js';
import {
  ForwardingGuard,
  HopReceiver,
  Locator,
  OtherServers,
  PassReader,
  PassWriter,
  ServerAddresses,
  ServerForwarder,
} from '../forwarding/index.js';
import { ServerDirectory } from '../storage/index.js';
import { StorageModule } from '../storage/storage.module.js';
import { ConversationLocator } from './conversation-locator.js';
import { TerminalServers } from './terminal-servers.js';
import { TerminalsGuard, TerminalsInterceptor } from './terminals-of-cluster.js';
import { WorkspaceServers } from './workspace-servers.js';

/**
 * Several servers on one database: requests and sockets of a conversation go to the server that has it.
 * Import it after the module that checks session keys, whose guard has to come first.
 */
@Global()
@Module({
  imports: [ConversationsModule, StorageModule],
  providers: [
    { provide: ClusterKeys, inject: [AppConfig], useFactory: clusterKeys },
    WorkspaceServers,
    { provide: Locator, useClass: ConversationLocator },
    {
      provide: HopReceiver,
      inject: [ClusterKeys, Locator],
      useFactory: (keys: ClusterKeys, { selfId }: Locator) => new HopReceiver(new PassReader(keys), selfId),
    },
    { provide: ServerAddresses, inject: [AppConfig], useFactory: trustedAddresses },
    {
      provide: ServerForwarder,
      inject: [ClusterKeys, Locator, ServerAddresses],
      useFactory: (keys: ClusterKeys, locator: Locator, addresses: ServerAddresses) =>
        new ServerForwarder(locator, new PassWriter(keys), addresses),
    },
    {
      provide: OtherServers,
      inject: [Locator, ServerForwarder],
      useFactory: (locator: Locator, forwarder: ServerForwarder) => new OtherServers(locator, forwarder),
    },
    { provide: APP_GUARD, useClass: ForwardingGuard },
    TerminalServers,
    { provide: APP_GUARD, useClass: TerminalsGuard },
    { provide: APP_INTERCEPTOR, useClass: TerminalsInterceptor },
  ],
  exports: [ServerForwarder, OtherServers, HopReceiver, TerminalServers],
})
export class ClusterModule implements OnApplicationBootstrap {
  constructor(
    private readonly config: AppConfig,
    private readonly servers: ServerDirectory,
  ) {}

  /** Says what is missing as soon as there are several servers: until then clients get no 502. */
  async onApplicationBootstrap(): Promise<void> {
    if (this.config.database_url === null || this.config.server_url !== null) return;
    if ((await this.servers.list()).every(({ id }) => id === this.servers.selfId)) return;
    new Logger('Forwarding').warn(
      'other servers of this database cannot pass requests on to this one, and answer 502: set server_url',
    );
  }
}

/** A single server on a database needs no address; several do. */
function warnWithoutAddress({ server_url }: AppConfig): void {
  if (server_url !== null) return;
  new Logger('Forwarding').warn(
    'server_url is not set: other servers of the database cannot pass requests on to this one. Set it unless this is ' +
      'the only one',
  );
}

/** Without a key in the configuration no server of the cluster accepts another one. */
function clusterKeys(config: AppConfig): ClusterKeys {
  warnWithoutAddress(config);
  const keys = ClusterKeys.from(config, 'requests');
  if (keys) return keys;
  new Logger('Forwarding').warn(
    'this server cannot pass requests on to other servers of its database: set secret_key or cluster_key, the same ' +
      'for all of them',
  );
  return ClusterKeys.random();
}

/** Without a key in the configuration no address is trusted. */
function trustedAddresses(config: AppConfig): ServerAddresses {
  const { accept_unsigned_servers: acceptsUnsigned } = config;
  if (acceptsUnsigned)
    new Logger('Forwarding').warn(
      'accept_unsigned_servers is set: whoever can write the database can have session keys sent elsewhere. Unset it ' +
        'when all servers are updated',
    );
  const keys = ClusterKeys.from(config, 'addresses') ?? ClusterKeys.random();
  return new ServerAddresses(new AddressProofs(keys), acceptsUnsigned);
}
