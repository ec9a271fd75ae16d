import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { SettingsModule } from '../settings/index.js';
import { AutomationStoreModule } from '../storage/automation-store.module.js';
import { DocumentsModule } from '../storage/documents.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { AutomationServiceController } from './api/automation-service.controller.js';
import { AutomationsController } from './api/automations.controller.js';
import { PreflightController } from './api/preflight.controller.js';
import { ScriptsController } from './api/scripts.controller.js';
import { Clock, SystemClock } from './clock.js';
import { AutomationsService } from './definitions/automations.service.js';
import { DraftCheck } from './definitions/draft-check.js';
import { EventSources } from './intake/event-sources.js';
import { AutomationEventRuns } from './intake/events/automation-event-runs.js';
import { EventRuns } from './intake/events/event-runs.js';
import { AutomationEventsController } from './intake/events/events.controller.js';
import { IntakeLimits } from './intake/events/intake-limits.js';
import { IntakeService } from './intake/events/intake.service.js';
import { WebhookStore } from './intake/webhooks/webhook-store.js';
import { AutomationWebhooksController } from './intake/webhooks/webhooks.controller.js';
import { AutomationChanges } from './runs/automation-changes.js';
import { ConversationChains } from './runs/conversation-chains.js';
import { ConversationLauncher } from './runs/conversation-launcher.js';
import { ConversationRequests } from './runs/conversation-requests.js';
import { RunCancellation } from './runs/run-cancellation.js';
import { RunChains } from './runs/run-chains.js';
import { RunDispatcher } from './runs/run-dispatcher.js';
import { RunLauncher } from './runs/run-launcher.js';
import { RunRequests } from './runs/run-requests.js';
import { RunWorkspaces } from './runs/run-workspaces.js';
import { Scheduler } from './schedule/scheduler.js';

/** Conversations that start without a person: by a schedule, an event, after others, or by hand. */
@Module({
  imports: [ConversationsModule, SettingsModule, StorageModule, AutomationStoreModule, DocumentsModule],
  // Those with fixed names come before ids in the same place.
  controllers: [
    AutomationServiceController,
    PreflightController,
    ScriptsController,
    AutomationWebhooksController,
    AutomationEventsController,
    AutomationsController,
  ],
  providers: [
    { provide: Clock, useClass: SystemClock },
    { provide: RunLauncher, useClass: ConversationLauncher },
    { provide: EventRuns, useClass: AutomationEventRuns },
    AutomationChanges,
    AutomationsService,
    ConversationChains,
    ConversationRequests,
    DraftCheck,
    RunCancellation,
    RunChains,
    RunDispatcher,
    RunRequests,
    RunWorkspaces,
    Scheduler,
    EventSources,
    IntakeLimits,
    IntakeService,
    WebhookStore,
  ],
  exports: [RunRequests, AutomationsService],
})
export class AutomationsModule {}
