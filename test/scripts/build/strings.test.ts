import assert from 'node:assert/strict';
import { stringsOf } from '../../../scripts/build/strings.ts';
import { probeManifest } from '../support.ts';

describe('resources.resjson', () => {
  // The keys are those that azure-pipelines-tasks generates in make-util.js (createResjson) for the same task.json.
  it('holds every text of task.json under the key that the service looks up', () => {
    const strings = JSON.parse(stringsOf({ ...probeManifest(), messages: { NotFound: 'Not found: %s' } }));
    assert.deepEqual(strings, {
      'loc.friendlyName': 'Probe',
      'loc.helpMarkDown': '[Documentation](https://example.com/probe)',
      'loc.description': 'Bundles what the real tasks bundle.',
      'loc.instanceNameFormat': 'Probe $(mode)',
      'loc.releaseNotes': 'First version.',
      'loc.group.displayName.more': 'More',
      'loc.input.label.mode': 'Mode',
      'loc.input.help.mode': 'How to probe.',
      'loc.input.label.document': 'Document',
      'loc.input.help.document': 'YAML to read.',
      'loc.input.label.deep': 'Deep',
      'loc.input.help.deep': 'Loads the Kubernetes client too.',
      'loc.messages.NotFound': 'Not found: %s',
    });
  });
});
