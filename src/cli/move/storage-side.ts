import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Module, type DynamicModule, type INestApplicationContext, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigModule } from '../../config/index.js';
import { undefinedIfMissing } from '../../files/index.js';
import { asJsonObject, tryParseJson } from '../../json/index.js';
import {
  BashHistories,
  Catalogue,
  ConversationFolders,
  DeliveryStore,
  Documents,
  EventLogStore,
  LeaseStore,
  LocalDocuments,
  ServerDirectory,
  AutomationStore,
  UsageLedger,
  WorkspaceDocuments,
} from '../../storage/index.js';
import { DocumentsModule } from '../../storage/documents.module.js';
import { StorageModule } from '../../storage/storage.module.js';
import { AutomationStoreModule } from '../../storage/automation-store.module.js';
import { UsageLedgerModule } from '../../storage/usage-ledger.module.js';
import { dashedUuid } from '../../text/index.js';
import { SettlingLeases } from '../copying/settling-leases.js';
import { CONVERSATION_FOLDER, type Place } from './place.js';

const IDS_PER_PAGE = 500;
/** The file of a lease (docs/operation.md). */
const LEASE_FILE = 'owner_lease.json';

/** The storage without anything of the web. */
@Module({})
class MoveModule {
  static of(place: Place): DynamicModule {
    return {
      module: MoveModule,
      imports: [
        ConfigModule.forRoot(place.config),
        StorageModule,
        DocumentsModule,
        UsageLedgerModule,
        AutomationStoreModule,
      ],
    };
  }
}

/** An opened place: the ports of its driver. */
export class StorageSide {
  readonly catalogue: Catalogue;
  readonly logs: EventLogStore;
  readonly leases: LeaseStore;
  readonly documents: Documents;
  readonly workspaces: WorkspaceDocuments;
  readonly bash: BashHistories;
  readonly deliveries: DeliveryStore;
  readonly usage: UsageLedger;
  readonly automations: AutomationStore;
  /** Where the record of moves is. It belongs to the conversations. */
  readonly records: Documents;
  readonly settling: SettlingLeases;
  private readonly folders: ConversationFolders;
  private readonly servers: ServerDirectory;

  private constructor(
    readonly place: Place,
    private readonly context: INestApplicationContext,
  ) {
    this.catalogue = context.get(Catalogue, { strict: false });
    this.logs = context.get(EventLogStore, { strict: false });
    this.leases = context.get(LeaseStore, { strict: false });
    this.folders = context.get(ConversationFolders, { strict: false });
    this.servers = context.get(ServerDirectory, { strict: false });
    this.documents = context.get(Documents, { strict: false });
    this.workspaces = context.get(WorkspaceDocuments, { strict: false });
    this.bash = context.get(BashHistories, { strict: false });
    this.settling = new SettlingLeases(place.config);
    this.deliveries = context.get(DeliveryStore, { strict: false });
    this.usage = context.get(UsageLedger, { strict: false });
    this.automations = context.get(AutomationStore, { strict: false });
    this.records =
      place.kind === 'files'
        ? context.get(LocalDocuments, { strict: false }).open(place.config.paths.conversations)
        : this.workspaces;
  }

  /** Opens the storage of a place. A database gets its tables. */
  static async open(place: Place, logger: LoggerService): Promise<StorageSide> {
    const context = await NestFactory.createApplicationContext(MoveModule.of(place), {
      logger,
      abortOnError: false,
    });
    return new StorageSide(place, context);
  }

  get isFiles(): boolean {
    return this.place.kind === 'files';
  }

  /** The folder with the folders of all conversations. */
  get conversationsPath(): string {
    return this.place.config.paths.conversations;
  }

  /** The folder of a conversation's own files. */
  folderOf(id: string): string {
    return this.folders.folder(id);
  }

  /**
   * The ids of all conversations, damaged ones too, in an order that is the same each time.
   */
  async *ids(): AsyncGenerator<string> {
    if (this.isFiles) {
      for (const name of await this.folderNames()) yield dashedUuid(name);
      return;
    }
    for (let after; ;) {
      const page = await this.catalogue.page({ order: 'CREATED_AT', limit: IDS_PER_PAGE, after });
      for (const entry of page) yield entry.id;
      after = page.at(-1);
      if (page.length < IDS_PER_PAGE) return;
    }
  }

  /** About how many ids there are. */
  async count(): Promise<number> {
    return this.isFiles ? (await this.folderNames()).length : this.catalogue.count();
  }

  /** Who holds a conversation, in words; undefined if nobody does any more. */
  async holderOf(id: string): Promise<string | undefined> {
    const owner = await this.leases.ownerOf(id);
    if (!owner) return undefined;
    if (this.isFiles) {
      const text = await readFile(path.join(this.folderOf(id), LEASE_FILE), 'utf8').catch(undefinedIfMissing);
      const { owner_host: host, owner_pid: pid } = asJsonObject(tryParseJson(text ?? ''));
      return `the server with process id ${String(pid)} on ${String(host)}`;
    }
    const server = (await this.servers.list()).find((it) => it.id === owner.serverId);
    return `the server ${owner.url ?? owner.serverId}${server ? ` on ${server.host}` : ''}`;
  }

  async close(): Promise<void> {
    await this.usage.close();
    await this.context.close();
  }

  private async folderNames(): Promise<string[]> {
    const names = await readdir(this.conversationsPath).catch(undefinedIfMissing);
    return (names ?? []).filter((name) => CONVERSATION_FOLDER.test(name)).sort();
  }
}
