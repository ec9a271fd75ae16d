import { COMMON, FIRST_MESSAGE, ofKind, Stage, STEP, WAITING, watch } from './fixture.js';

describe('what a socket sees of steering', () => {
  const stage = Stage.forTests();

  it('confirmation_flow: what was refused is not done, and no run starts', async () => {
    const conversation = await stage.create({ confirmation_policy: { kind: 'AlwaysConfirm' } });
    await conversation.send('RUN: touch never\nFINISH: done');
    await conversation.reaches('waiting_for_confirmation');
    const { socket, upTo } = await watch(conversation);
    await stage.post(conversation, 'events/respond_to_confirmation', { accept: false, reason: 'not now' });
    await conversation.reaches('idle');
    await stage.post(conversation, 'run');
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
    // The snapshot of the end of the first run may come to the socket too.
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

  it('confirmation_accept: what was agreed to is done in the next run', async () => {
    const conversation = await stage.create({ confirmation_policy: { kind: 'AlwaysConfirm' } });
    const { upTo } = await watch(conversation);
    await conversation.send('RUN: echo one\nFINISH: done');
    await conversation.reaches('waiting_for_confirmation');
    await stage.post(conversation, 'events/respond_to_confirmation', { accept: true });
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

  it('pause_resume: a pause waits for the step, a run goes on', async () => {
    const conversation = await stage.create();
    await conversation.send(`RUN: ${WAITING}\nRUN: echo two\nFINISH: end`);
    await stage.inTool(conversation);
    const { upTo } = await watch(conversation);
    await stage.post(conversation, 'pause');
    await stage.letGo();
    await conversation.reaches('paused');
    await stage.post(conversation, 'pause');
    await stage.post(conversation, 'run');
    const expected = [
      'full_state running',
      // The original answers the pause when the tool has ended, so that it sends this one behind the pause.
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

  it('interrupt_llm_call', async () => {
    const conversation = await stage.create();
    await conversation.send('WAIT: 1000\nSAY: late');
    await conversation.reaches('running');
    const { upTo } = await watch(conversation);
    await stage.post(conversation, 'interrupt');
    const expected = [
      'full_state running',
      'execution_status=paused',
      'InterruptEvent',
      'full_state paused',
      'full_state paused',
    ];
    expect(await upTo(expected.length)).toEqual(expected);
  });

  it('interrupt_tool_call', async () => {
    const conversation = await stage.create();
    await conversation.send('RUN: sleep 1000; echo x\nFINISH: y');
    await stage.inTool(conversation);
    const { socket, upTo } = await watch(conversation);
    await stage.post(conversation, 'interrupt');
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
