/** Makes this process say that its Node is too old. */
Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.11.0' } });
