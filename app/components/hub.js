const hub = (window.__netspace ??= { feeds: new Map(), listeners: new Map(), views: new Map() });
