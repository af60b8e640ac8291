import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { appError } from '../app-error.ts';
import { fetched } from '../../support/download-app.ts';
import { setVariables } from '../../support/environment.ts';
import { etagOf, ModelHost } from '../../support/model-host.ts';
import { smallCatalogue } from '../../support/small-catalogue.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { session } from '../../support/test-app.ts';

suite('every model of the catalogue', () => {
  const small = smallCatalogue();
  for (const { model, content } of small) {
    test(`${model.name} is fetched as its host gives it, compared, imported, and nothing else stays`, async (t) => {
      const host = await ModelHost.start(t);
      setVariables(t, { WINNOW_MODEL_MIRROR: host.address });
      host.put(model, content);
      const data = temporaryFolder(t);
      const { app, events } = session(t, join(data, 'library.db'), {
        downloads: { models: small.map((one) => one.model) },
      });
      const download = await fetched(app, model.name);
      assert.deepEqual(
        [download.phase, download.error, download.package, download.done],
        ['done', undefined, model.name, content.length],
      );
      const { manifest } = await app.verifyModel({ model: model.name });
      assert.equal(manifest.architecture, model.architecture);
      assert.deepEqual(manifest.published, { model: model.name, ...model.published });
      assert.equal(manifest.provenance.sha256, etagOf(content));
      assert.equal(manifest.provenance.file, model.file.name ?? `${model.name}.pth`);
      const phases = events.flatMap((event) => (event.type === 'download' ? [event.download.phase] : []));
      assert.deepEqual([...new Set(phases)], ['asking', 'fetching', 'checking', 'importing', 'done']);
      const [first] = host.heard;
      assert.deepEqual(
        host.heard.map(({ method }) => method),
        model.file.host === 'hugging-face' ? ['HEAD', 'GET', 'GET'] : ['GET'],
      );
      const { host: name, pathname, search } = new URL(model.file.address);
      assert.equal(first?.url, `/${name}${pathname}${search}`);
      assert.deepEqual(readdirSync(join(data, 'downloads', model.name)).sort(), ['lock']);
      const available = await app.availableModels({});
      assert.deepEqual(
        available.filter(({ packages }) => packages.length > 0).map((one) => [one.model.name, one.packages]),
        [[model.name, [model.name]]],
      );
      await assert.rejects(
        app.startDownload({ model: model.name }),
        appError('BAD_ARGUMENT', /is here already, as the model/),
      );
    });
  }
});
