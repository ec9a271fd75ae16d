import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { errorMessage } from '../errors/index.js';
import { SerialQueue } from '../flow/index.js';
import { isJsonObject, tryParseJson } from '../json/index.js';
import { type ExpiringRecords, StorageFailedError } from '../storage/index.js';
import { type ExpectedCallback, isExpected, parseLocalUrl } from './callback-listener.js';
import { signInNotFound, signInNotWaiting, unexpectedCallback } from './mcp-errors.js';
import type { OAuthStatusResponse } from './mcp-responses.js';
import type { OAuthJob } from './oauth-job.js';

const SIGN_IN = 'mcp-sign-in';
const CALLBACK = 'mcp-callback';
/** The record of a sign-in is renewed; without its server it ends after this time (ms). */
const RUNNING_MS = 20_000;
const RENEWAL_MS = 5_000;
/** Time between two looks for a callback, and for its result (ms). */
const PAUSE_MS = 250;

/** What other servers know of a sign-in. */
interface SharedSignIn {
  response: OAuthStatusResponse;
  /** Set while it waits for a callback. */
  expected?: ExpectedCallback;
}

/** A sign-in of this server that other servers see. */
interface Shared {
  /** Stores its present status. @throws StorageFailedError */
  refresh(): Promise<void>;
}

/**
 * Lets requests about a sign-in go to any server: the one that runs it stores its status, and takes the
 * callback that another one has received. Does nothing without other servers.
 */
export class SharedSignIns {
  private readonly logger = new Logger('Mcp');
  private readonly following = new Set<Promise<void>>();

  /** @param ttlMs how long the result is kept */
  constructor(
    private readonly records: ExpiringRecords,
    private readonly ttlMs: number,
  ) {}

  /** Shares a sign-in until it is over. */
  share(job: OAuthJob): Shared {
    if (!this.records.isShared) return { refresh: () => Promise.resolve() };
    const status = new SharedStatus(this.records, job, this.ttlMs);
    const following = this.follow(job, status)
      .catch((error: unknown) => this.logger.error(`a sign-in is not shared: ${errorMessage(error)}`))
      .finally(() => this.following.delete(following));
    this.following.add(following);
    return status;
  }

  /** Resolves when the results of all sign-ins that are over are stored, or cannot be. */
  async settled(): Promise<void> {
    await Promise.all(this.following);
  }

  /** The status of a sign-in of another server. @throws NotFoundError */
  async status(id: string): Promise<OAuthStatusResponse> {
    return (await this.read(id)).response;
  }

  /**
   * Hands the callback to the server that runs the sign-in, and waits for the result, at most `waitMs`.
   * @throws NotFoundError, ConflictError, RejectedError
   */
  async callback(id: string, url: URL, waitMs: number): Promise<OAuthStatusResponse> {
    const end = performance.now() + waitMs;
    const { expected } = await this.read(id);
    if (!expected) throw signInNotWaiting();
    if (!isExpected(url, expected)) throw unexpectedCallback();
    await this.records.replace(CALLBACK, id, url.href, RUNNING_MS);
    for (;;) {
      const { response } = await this.read(id);
      if (isOver(response) || performance.now() > end) return response;
      await sleep(PAUSE_MS);
    }
  }

  private async follow(job: OAuthJob, status: SharedStatus): Promise<void> {
    for (let isStored = false; !isStored;) {
      const wasOver = job.isOver;
      try {
        await status.refresh();
        isStored = wasOver;
        if (!wasOver) await this.takeCallback(job);
      } catch (error) {
        if (!(error instanceof StorageFailedError)) throw error;
        // At the end others see the sign-in expire.
        if (wasOver) return;
      }
      if (!isStored) await Promise.race([job.ended, sleep(PAUSE_MS, undefined, { ref: false })]);
    }
  }

  private async takeCallback({ id, waitingListener }: OAuthJob): Promise<void> {
    if (!waitingListener) return;
    const record = await this.records.read(CALLBACK, id);
    const url = record && parseLocalUrl(record.content);
    if (url) waitingListener.accept(url);
  }

  private async read(id: string): Promise<SharedSignIn> {
    const record = this.records.isShared ? await this.records.read(SIGN_IN, id) : undefined;
    const shared = record && parsed(record.content);
    if (!shared) throw signInNotFound();
    return shared;
  }
}

/** The stored status of a sign-in of this server. */
class SharedStatus implements Shared {
  /** A status must not replace a newer one. */
  private readonly turns = new SerialQueue();
  private stored = '';
  private storedAt = -Infinity;

  constructor(
    private readonly records: ExpiringRecords,
    private readonly job: OAuthJob,
    private readonly ttlMs: number,
  ) {}

  refresh(): Promise<void> {
    return this.turns.run(() => this.store());
  }

  private async store(): Promise<void> {
    const { id, isOver, response, waitingListener } = this.job;
    const text = JSON.stringify({ response, expected: waitingListener?.expected } satisfies SharedSignIn);
    const isFresh = performance.now() < this.storedAt + RENEWAL_MS;
    if (text === this.stored && (isOver || isFresh)) return;
    await this.records.replace(SIGN_IN, id, text, isOver ? this.ttlMs : RUNNING_MS);
    this.stored = text;
    this.storedAt = performance.now();
  }
}

function isOver({ status }: OAuthStatusResponse): boolean {
  return status === 'succeeded' || status === 'failed';
}

/** Servers of another version may have stored something else. */
function parsed(text: string): SharedSignIn | undefined {
  const value = tryParseJson(text);
  return isShared(value) ? value : undefined;
}

function isShared(value: unknown): value is SharedSignIn {
  if (!isJsonObject(value) || !isJsonObject(value['response'])) return false;
  const { response, expected } = value;
  const isStatus = typeof response['status'] === 'string' && typeof response['job_id'] === 'string';
  return isStatus && (expected === undefined || isJsonObject(expected));
}
