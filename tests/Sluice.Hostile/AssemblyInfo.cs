// The memory of the whole process is measured: one attack at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
