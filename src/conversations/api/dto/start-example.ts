/**
 * The example of the create request: runs as it is, without a key (the model plays the steps of the message).
 */
export const START_EXAMPLE = {
  agent: { llm: { model: 'scripted/demo' }, tools: [{ name: 'terminal' }, { name: 'file_editor' }] },
  workspace: { working_dir: 'workspace/project' },
  initial_message: {
    role: 'user',
    content: [{ type: 'text', text: 'RUN: echo hello > hello.txt\nFINISH: done' }],
  },
} as const;
