import { userInfo } from 'node:os';
import { ConsoleLogger, type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuditTrail } from '../../audit/index.js';
import { type AppConfig, ConfigModule } from '../../config/index.js';
import { DomainError, errorMessage } from '../../errors/index.js';
import { isExpired, type KeyRecord, KeyStore, readNewKey } from '../../keys/index.js';
import { KeyStoreModule } from '../../keys/key-store.module.js';
import { AuditLogModule } from '../../storage/audit-log.module.js';
import type { CommandOutput } from '../subcommand.js';
import type { KeysAction } from './keys-command-line.js';

/** The named keys without anything of the web. */
@Module({})
class KeysCommandModule {
  static of(config: AppConfig): DynamicModule {
    return {
      module: KeysCommandModule,
      imports: [ConfigModule.forRoot(config), KeyStoreModule, AuditLogModule],
      providers: [AuditTrail],
    };
  }
}

/** Makes, lists or revokes keys. @returns the exit code */
export async function runKeys(action: KeysAction, config: AppConfig, output: CommandOutput): Promise<number> {
  const request = action.do === 'create' ? readNewKey(action.request) : undefined;
  if (request && 'problems' in request) {
    for (const problem of request.problems) output.note(problem);
    return 2;
  }
  const context = await NestFactory.createApplicationContext(KeysCommandModule.of(config), {
    logger: new ErrorNotes(output),
    abortOnError: false,
  });
  try {
    const store = context.get(KeyStore, { strict: false });
    const record = (operation: string): void => recordChange(context.get(AuditTrail), operation);
    if (request) {
      const { record: made, key } = await store.create(request);
      record('Keys_create');
      output.print(key);
      output.note(`made the key ${describe(made)}. It is shown this once; a hash of it is stored.`);
      if (config.session_api_keys.length === 0 && !config.require_keys)
        output.note(
          'this configuration requires no key, so that everybody whom the server answers is administrator: ' +
            'set SESSION_API_KEY, or OH_REQUIRE_KEYS=true',
        );
    } else if (action.do === 'revoke') {
      output.note(`revoked the key ${await store.revoke(action.key)}`);
      record('Keys_revoke');
    } else if (action.do === 'list') {
      const records = [...(await store.all()).values()];
      records.sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
      if (action.asJson) output.print(JSON.stringify(records.map(({ hash: _hash, ...info }) => info)));
      else for (const each of records) output.print(describe(each));
    }
    return 0;
  } finally {
    await context.close();
  }
}

/** Records what was done with the rights of the machine's user, who needs no key. */
function recordChange(trail: AuditTrail, operation: string): void {
  const principal = { id: 'command-line', name: `command line (${userName()})` };
  trail.record({
    principal,
    address: undefined,
    operation,
    status: 200,
    startedAt: Date.now(),
    durationMs: 0,
  });
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry, as in containers.
    return String(process.getuid?.() ?? 'unknown');
  }
}

/** Prints errors beside the result, which programs read. */
class ErrorNotes extends ConsoleLogger {
  constructor(private readonly output: CommandOutput) {
    super({ logLevels: ['error', 'fatal'], colors: false });
  }

  override printMessages(messages: unknown[], context?: string): void {
    // What keeps the storage from opening is explained at the end.
    if (context === 'ExceptionHandler') return;
    for (const message of messages) this.output.note(String(message));
  }
}

/** Explains to the operator why nothing was done. */
export function explainKeysError(error: unknown): string {
  if (error instanceof DomainError) return error.message;
  return `cannot use the stored keys: ${errorMessage(error).split('\n')[0] ?? ''}`;
}

function describe(record: KeyRecord): string {
  const { id, name, scope, reach, expires_at, last_used_at } = record;
  const end = expires_at === null ? 'no end' : `${isExpired(record) ? 'EXPIRED' : 'until'} ${expires_at}`;
  const used = last_used_at === null ? 'never used' : `last used about ${last_used_at}`;
  return `${name} (${id}): ${scope}, ${reach}, ${end}, ${used}`;
}
