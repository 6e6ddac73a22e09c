import { killAtRandomMoments } from './kill-rig.ts';
import { useRig } from './rig.ts';

describe('GitOpsSync that is killed', function () {
  this.timeout(30 * 60_000);
  const rig = useRig();

  it('at any of 200 random moments leaves nothing that the next run does not put right', () =>
    killAtRandomMoments(rig, 200));
});
