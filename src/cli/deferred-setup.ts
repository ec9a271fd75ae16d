import type { Server } from 'node:http';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { AuditTrail, type AuditedAct } from '../audit/index.js';
import { loadConfig, type AppConfig } from '../config/index.js';
import { handOver, ServerSetup } from '../init/index.js';
import { passOnToChildren } from '../processes/index.js';
import { explainStartupError } from './startup-error.js';

/** Attempts that are kept until they can be recorded; later ones are not. */
const MAX_ATTEMPTS = 1_000;

/**
 * Creates the configured server of a process that was started with `deferred_init`, and lets it answer the
 * requests of the waiting server. It is closed with the waiting server.
 */
export class DeferredSetup extends ServerSetup implements BeforeApplicationShutdown {
  private ready: NestExpressApplication | undefined;
  private waiting: Server | undefined;
  /** Attempts so far: there is an audit log once the server is configured. */
  private attempts: AuditedAct[] = [];

  constructor(
    private readonly start: AppConfig,
    private readonly create: (config: AppConfig) => Promise<NestExpressApplication>,
  ) {
    super();
  }

  /** Sets the waiting server whose requests the configured one will answer. */
  setWaitingServer(waiting: Server): void {
    this.waiting = waiting;
  }

  override async setUp(settings: Record<string, unknown>, env: Record<string, string>): Promise<void> {
    const { base_dir: cwd, listen, ui_path: ui } = this.start;
    const { config } = loadConfig({ env: process.env, cwd, listen, ui, settings });
    config.deferred_init = false;
    const before = new Map(Object.keys(env).map((name) => [name, process.env[name]]));
    Object.assign(process.env, env);
    try {
      this.ready = await this.create(config);
      await this.ready.init();
    } catch (error) {
      for (const [name, value] of before) setVariable(name, value);
      await this.ready?.close();
      this.ready = undefined;
      throw new Error(explainStartupError(error, listen).join('; '), { cause: error });
    }
    passOnToChildren(Object.keys(env));
    const trail = this.ready.get(AuditTrail, { strict: false });
    for (const act of this.attempts) trail.record(act);
    this.attempts = [];
    if (this.waiting) handOver(this.waiting, this.ready.getHttpServer());
  }

  override audit(act: AuditedAct): void {
    if (this.ready) this.ready.get(AuditTrail, { strict: false }).record(act);
    else if (this.attempts.length < MAX_ATTEMPTS) this.attempts.push(act);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.ready?.close();
  }
}

function setVariable(name: string, value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
}
