// Writes resources/models/catalogue.schema.json, which tells editors of the catalogue what it may hold.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { catalogueSchema } from '../../electron/shared/catalogue.ts';
import { root } from '../setup.mjs';

/** The catalogue's schema as JSON Schema. */
export function catalogueSchemaText(): string {
  return `${JSON.stringify(z.toJSONSchema(catalogueSchema), undefined, 2)}\n`;
}

if (import.meta.main)
  writeFileSync(path.join(root, 'resources/models/catalogue.schema.json'), catalogueSchemaText());
