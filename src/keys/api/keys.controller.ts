import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { CurrentPrincipal, type Principal, Scope } from '../../auth/index.js';
import { Operation } from '../../http/index.js';
import { KeyRing } from '../checks/key-ring.js';
import type { KeyRecord } from '../store/key-record.js';
import { KeyStore } from '../store/key-store.js';
import { CreateKeyRequestDto, UpdateKeyRequestDto } from './key.dto.js';
import { keyChange, newKey } from './key-request.js';

const tag = 'Keys';
const path = { key: { type: 'string', maxLength: 64, description: 'Id or name of the key.' } };
const values = { key: 'dashboard' };
const UNKNOWN = { 404: 'There is no key with this id or name.' };
const UNUSABLE = { 503: 'The stored keys cannot be read.' };

/** A key in answers: without its hash. */
type KeyInfo = Omit<KeyRecord, 'hash'>;

/** The named keys. */
@Scope('admin')
@Controller('api/keys')
export class KeysController {
  constructor(
    private readonly store: KeyStore,
    private readonly ring: KeyRing,
  ) {}

  @Get()
  @Operation({
    tag,
    summary: 'List the named keys',
    description:
      'Without their secrets, of which the server only has hashes. Session keys are not among them.',
    answers: { 200: { description: 'The keys, the oldest first.', schema: 'ApiKeyList' } },
    errors: UNUSABLE,
  })
  async list(): Promise<{ keys: KeyInfo[] }> {
    const records = [...(await this.store.all()).values()];
    records.sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
    return { keys: records.map(infoOf) };
  }

  @Get('current')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Get the key of this request',
    description: 'Tells a client what the key that it has may do.',
    answers: { 200: { description: 'The key that this request was accepted with.', schema: 'CurrentKey' } },
  })
  current(@CurrentPrincipal() { id, name, scope, reach }: Principal): Omit<Principal, 'limits'> {
    return { id, name, scope, reach };
  }

  @Get(':key')
  @Operation({
    tag,
    path,
    values,
    summary: 'Get a named key',
    description: 'Without its secret, of which the server only has a hash.',
    answers: { 200: { description: 'What the key may do, and when it was used last.', schema: 'ApiKey' } },
    errors: { ...UNKNOWN, ...UNUSABLE },
  })
  async get(@Param('key') key: string): Promise<KeyInfo> {
    return infoOf(await this.store.get(key));
  }

  @Post()
  @HttpCode(201)
  @Operation({
    tag,
    summary: 'Make a key',
    description:
      'The key is in this answer only: keep it, the server stores a hash. It is accepted at once, by all servers ' +
      'of one database.',
    body: {
      schema: CreateKeyRequestDto,
      example: { name: 'dashboard', scope: 'read' },
      otherExamples: {
        tenant: {
          summary: 'For one tenant, who sees their own conversations only',
          value: {
            name: 'tenant-7',
            scope: 'write',
            reach: 'own',
            limits: { concurrent_runs: 2, usd_per_day: 5 },
          },
        },
      },
    },
    answers: { 201: { description: 'The key, with its secret.', schema: 'NewApiKey' } },
    errors: { 409: 'Another key has this name, or there are too many keys.', ...UNUSABLE },
  })
  async create(@Body() request: CreateKeyRequestDto): Promise<KeyInfo & { key: string }> {
    const { record, key } = await this.store.create(newKey(request));
    await this.ring.changed(record.id);
    return { ...infoOf(record), key };
  }

  @Patch(':key')
  @Operation({
    tag,
    path,
    values,
    summary: 'Rename a key, or change its end or its limits',
    description:
      'Takes effect at once. Scope and reach cannot be changed: make another key, and revoke this one.',
    body: {
      schema: UpdateKeyRequestDto,
      example: { expires_at: '2099-12-31T00:00:00Z' },
      after: ['Keys_create'],
    },
    answers: { 200: { description: 'The changed key.', schema: 'ApiKey' } },
    errors: { ...UNKNOWN, 409: 'Another key has this name.', ...UNUSABLE },
  })
  async update(@Param('key') key: string, @Body() request: UpdateKeyRequestDto): Promise<KeyInfo> {
    const record = await this.store.update(key, keyChange(request));
    await this.ring.changed(record.id);
    return infoOf(record);
  }

  @Delete(':key')
  @HttpCode(204)
  @Operation({
    tag,
    path,
    values,
    summary: 'Revoke a key',
    description:
      'Removes it. It is refused from now on, like a wrong key: its sockets are closed with 4001, and what is being ' +
      'streamed to it ends. Other servers of one database follow within a second. Its conversations stay.',
    answers: { 204: { description: 'The key is revoked.' } },
    errors: { ...UNKNOWN, ...UNUSABLE },
  })
  async revoke(@Param('key') key: string): Promise<void> {
    await this.ring.changed(await this.store.revoke(key));
  }
}

function infoOf({ hash: _hash, ...info }: KeyRecord): KeyInfo {
  return info;
}
