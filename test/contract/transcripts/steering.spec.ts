import {
  COMMON,
  FIRST_MESSAGE,
  ofKind,
  TranscriptFixture,
  STEP,
  WAITING,
  watch,
} from './transcript-fixture.js';

describe('a socket while its conversation is steered', () => {
  const fixture = TranscriptFixture.forTests();

  it('receives the rejection of an action, which starts no run (confirmation_flow)', async () => {
    const conversation = await fixture.create({ confirmation_policy: { kind: 'AlwaysConfirm' } });
    await conversation.send('RUN: touch never\nFINISH: done');
    await conversation.reaches('waiting_for_confirmation');
    const { socket, upTo } = await watch(conversation);
    await fixture.post(conversation, 'events/respond_to_confirmation', { accept: false, reason: 'not now' });
    await conversation.reaches('idle');
    await fixture.post(conversation, 'run');
    const expected = [
      'full_state waiting_for_confirmation',
      'execution_status=idle',
      'UserRejectObservation',
      'execution_status=running',
      ...STEP,
      'execution_status=finished',
      'full_state finished',
    ];
    const seen = await upTo(expected.length);
    // The socket may also receive the snapshot at the end of the first run.
    expect(seen.slice(seen.lastIndexOf('full_state waiting_for_confirmation'))).toEqual(expected);
    const [rejection] = ofKind(socket, 'UserRejectObservation');
    expect(Object.keys(rejection ?? {})).toEqual([
      ...COMMON,
      'tool_name',
      'tool_call_id',
      'rejection_reason',
      'rejection_source',
      'action_id',
      'kind',
    ]);
    expect(rejection).toMatchObject({
      source: 'environment',
      tool_name: 'terminal',
      rejection_reason: 'not now',
      rejection_source: 'user',
    });
  });

  it('receives the execution of an accepted action in the next run (confirmation_accept)', async () => {
    const conversation = await fixture.create({ confirmation_policy: { kind: 'AlwaysConfirm' } });
    const { upTo } = await watch(conversation);
    await conversation.send('RUN: echo one\nFINISH: done');
    await conversation.reaches('waiting_for_confirmation');
    await fixture.post(conversation, 'events/respond_to_confirmation', { accept: true });
    const expected = [
      'full_state idle',
      ...FIRST_MESSAGE,
      'execution_status=running',
      'ActionEvent',
      'execution_status=waiting_for_confirmation',
      'full_state waiting_for_confirmation',
      'execution_status=running',
      'ObservationEvent',
      ...STEP,
      'execution_status=finished',
      'full_state finished',
    ];
    expect(await upTo(expected.length)).toEqual(expected);
  });

  it('receives a pause after the current step, and the resumed run (pause_resume)', async () => {
    const conversation = await fixture.create();
    await conversation.send(`RUN: ${WAITING}\nRUN: echo two\nFINISH: end`);
    await conversation.startsTool();
    const { upTo } = await watch(conversation);
    await fixture.post(conversation, 'pause');
    await fixture.release();
    await conversation.reaches('paused');
    await fixture.post(conversation, 'pause');
    await fixture.post(conversation, 'run');
    const expected = [
      'full_state running',
      // The original answers the pause when the tool has ended, so it sends this snapshot after the pause.
      'full_state running',
      'ObservationEvent',
      'execution_status=paused',
      'PauseEvent',
      'full_state paused',
      'full_state paused',
      'execution_status=running',
      ...STEP,
      ...STEP,
      'execution_status=finished',
      'full_state finished',
    ];
    expect(await upTo(expected.length)).toEqual(expected);
  });

  it('receives the interruption of a model call (interrupt_llm_call)', async () => {
    const conversation = await fixture.create();
    await conversation.send('WAIT: 1000\nSAY: late');
    await conversation.reaches('running');
    const { upTo } = await watch(conversation);
    await fixture.post(conversation, 'interrupt');
    const expected = [
      'full_state running',
      'execution_status=paused',
      'InterruptEvent',
      'full_state paused',
      'full_state paused',
    ];
    expect(await upTo(expected.length)).toEqual(expected);
  });

  it('receives the interruption of a tool call (interrupt_tool_call)', async () => {
    const conversation = await fixture.create();
    await conversation.send('RUN: sleep 1000; echo x\nFINISH: y');
    await conversation.startsTool();
    const { socket, upTo } = await watch(conversation);
    await fixture.post(conversation, 'interrupt');
    const expected = [
      'full_state running',
      'AgentErrorEvent',
      'execution_status=paused',
      'InterruptEvent',
      'full_state paused',
      'full_state paused',
    ];
    expect(await upTo(expected.length)).toEqual(expected);
    const [failure] = ofKind(socket, 'AgentErrorEvent');
    expect(Object.keys(failure ?? {})).toEqual([
      ...COMMON,
      'tool_name',
      'tool_call_id',
      'error',
      'classification',
      'kind',
    ]);
    expect(failure).toMatchObject({
      source: 'agent',
      tool_name: 'terminal',
      error: 'Tool call interrupted before completion. The conversation was paused.',
      classification: { kind: 'agent_action', retryable: true, user_action: 'retry' },
    });
    const [interruption] = ofKind(socket, 'InterruptEvent');
    expect(Object.keys(interruption ?? {})).toEqual([...COMMON, 'kind']);
    expect(interruption).toMatchObject({ source: 'user', parent_id: failure?.id });
  });
});
