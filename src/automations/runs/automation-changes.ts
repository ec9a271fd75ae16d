import { Injectable } from '@nestjs/common';
import { Hints } from '../../storage/index.js';

/** The topic of the hint that an automation or a run of it was changed; the id of the automation. */
const AUTOMATION_CHANGED = 'automation-changed';

/** Tells those who wait for work that automations or their runs have changed, here or on another server. */
@Injectable()
export class AutomationChanges {
  private readonly listeners = new Set<() => void>();

  constructor(private readonly hints: Hints) {
    hints.listen(AUTOMATION_CHANGED, () => this.call());
  }

  /** Calls the listener after changes. Returns a function that ends this. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Call after a change is stored. */
  tell(automationId: string): void {
    this.hints.tell(AUTOMATION_CHANGED, automationId);
    this.call();
  }

  private call(): void {
    for (const listener of this.listeners) listener();
  }
}
