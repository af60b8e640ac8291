-- What people and runs make beside exported values has checksums too: classes, calibrations, the queue, sortings, and which
-- files were written. sums.ts makes the columns, as for 0016.
SELECT 1;
