import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import { ConversationStore } from '../registry/conversation-store.js';
import { type Recorded, Replay, type ReplayReport } from './replay.js';
import { ReplayPlayer } from './replay-player.js';
import { ReplayToolRegistry } from './replay-tools.js';
import type { ReplayedState } from './replayed-state.js';

/** Replays a conversation where models and tools are played. */
@Injectable()
export class Replayer {
  constructor(
    private readonly registry: ConversationRegistry,
    private readonly store: ConversationStore,
    private readonly config: AppConfig,
    private readonly player: ReplayPlayer,
    private readonly tools: ReplayToolRegistry,
  ) {}

  /**
   * @param limitMs longest time of a step
   * @throws ReplayError if it takes too long; the reason of the signal
   */
  replay(
    recorded: Recorded,
    replayed: ReplayedState,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<ReplayReport> {
    const { registry, store, config, player, tools } = this;
    const parts = { registry, store, config, player, tools, limitMs };
    return new Replay(recorded, replayed.state, replayed.leftOut, parts).run(signal);
  }
}
