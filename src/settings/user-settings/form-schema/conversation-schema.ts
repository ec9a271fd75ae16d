import { ConversationSettingsDto } from '../conversation-settings.dto.js';
import { type FieldHints, type SectionSpec, createSection, type SettingsSchema } from './form-schema.js';

const worktree = ['default_runtime=worktree'];
const container = ['default_runtime=docker'];

/** The form of the conversation settings. Keys, labels and order are the original's. */
export function conversationSchema(): SettingsSchema {
  return {
    model_name: 'ConversationSettings',
    sections: [
      section('general', 'General', { max_iterations: { label: 'Max iterations' } }),
      section('verification', 'Verification', {
        confirmation_mode: { label: 'Confirmation mode', prominence: 'critical' },
        security_analyzer: { label: 'Security analyzer', depends_on: ['confirmation_mode'] },
      }),
      section('runtime', 'Runtime', {
        default_runtime: { label: 'Default runtime' },
        worktree_base: { label: 'Create worktrees from', depends_on: worktree },
        worktree_base_ref: { label: 'Ref', depends_on: [...worktree, 'worktree_base=ref'] },
        worktree_branch_prefix: { label: 'Branch name prefix', depends_on: worktree },
        container_memory: { label: 'Container memory limit', depends_on: container },
        container_cpus: { label: 'Container CPU limit', depends_on: container },
        container_browser: { label: 'Browser in containers', depends_on: container },
      }),
    ],
  };
}

function section(key: string, label: string, hints: Record<string, FieldHints>) {
  const spec: SectionSpec = {
    ...{ key, label, variant: null, isOfVariant: false, dto: ConversationSettingsDto, prefix: '' },
    ...{ names: Object.keys(hints), prominence: 'major', hints },
  };
  return createSection(spec);
}
