// Counters belong to the process, and one test asks the garbage collector what is still referenced: one test at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
