import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { RequestsFromSettings, type RequestedConversation } from '../../conversations/index.js';
import type { Automation } from '../definitions/automation.js';
import type { AutomationRun } from './automation-run.js';
import { RunWorkspaces } from './run-workspaces.js';
import { tagsOf, titleOf } from './run-prompt.js';
import { variantOf } from './run-variant.js';

/** Makes the conversations of runs as a person would start them: with profile, secrets and tools. */
@Injectable()
export class ConversationRequests {
  constructor(
    private readonly requests: RequestsFromSettings,
    private readonly workspaces: RunWorkspaces,
  ) {}

  /**
   * The request for the conversation of a run; its folder exists then, with what the automation wants in it.
   * @throws LaunchError, ForbiddenError and other errors that prevent a start
   */
  async make(
    automation: Automation,
    run: AutomationRun,
    principal: Principal,
    signal: AbortSignal,
  ): Promise<RequestedConversation> {
    const variant = variantOf(automation, run);
    const chosen = {
      agentProfile: automation.agent_profile_id,
      llmProfile: variant?.model ?? automation.model,
    };
    const agent = await this.requests.choose(chosen, principal);
    const plugins = variant?.plugins ?? automation.plugins;
    const request = await this.requests.make(agent, {
      workspace: { working_dir: await this.workspaces.prepare(automation, run, principal, signal) },
      tags: tagsOf(automation, run),
      autotitle: false,
      max_budget_per_run: automation.max_budget,
      ...(plugins.length > 0 && { plugins }),
    });
    return { ...request, title: titleOf(automation, run) };
  }
}
