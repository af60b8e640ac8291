// An engine host that does not live long enough to say that it is ready.
throw new TypeError('the driver is missing');
