import { killAtRandomMoments } from './kill-rig.ts';
import { useRig } from './rig.ts';

describe('GitOpsSync that is killed', function () {
  this.timeout(120_000);
  const rig = useRig();

  it('at any of 20 random moments leaves nothing that the next run does not put right', () =>
    killAtRandomMoments(rig, 20));
});
