namespace Sluice.Transport.Epoll;

/// <summary>
/// Who is meant by an event. The kernel is given a place in this table and a generation, never a descriptor's number: an
/// event that was fetched before its connection was closed finds nobody, even when place and number are in use again.
/// </summary>
internal sealed class TargetTable
{
    private readonly Lock _gate = new();
    private readonly Stack<int> _free = new();
    private IEventTarget?[] _targets = new IEventTarget?[64];
    private int _used;
    private uint _generation;

    public int Count { get; private set; }

    /// <returns>The token to give to the kernel.</returns>
    public ulong Add(IEventTarget target)
    {
        lock (_gate)
        {
            if (!_free.TryPop(out var place)) place = _used++;
            if (place == _targets.Length)
            {
                var larger = new IEventTarget?[place * 2];
                _targets.CopyTo(larger, 0);
                Volatile.Write(ref _targets, larger);
            }
            target.Generation = ++_generation;
            Volatile.Write(ref _targets[place], target);
            Count++;
            return ((ulong)_generation << 32) | (uint)place;
        }
    }

    public void Remove(ulong token)
    {
        lock (_gate)
        {
            var place = (int)(uint)token;
            Volatile.Write(ref _targets[place], null);
            _free.Push(place);
            Count--;
        }
    }

    public IEventTarget? Find(ulong token)
    {
        var targets = Volatile.Read(ref _targets);
        var place = (uint)token;
        if (place >= (uint)targets.Length) return null;
        var target = Volatile.Read(ref targets[place]);
        return target is not null && target.Generation == (uint)(token >> 32) ? target : null;
    }

    public IEventTarget[] ToArray()
    {
        lock (_gate) return [.. _targets.OfType<IEventTarget>()];
    }
}
