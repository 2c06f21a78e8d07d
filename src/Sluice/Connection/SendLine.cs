namespace Sluice;

/// <summary>
/// The senders that found no room, or a streamed message under way, in the order they came; and the streamed
/// message's own next fragment, which goes before them all. Costs nothing while nobody waits. Called with the
/// gate held, but for <see cref="Place.WaitAsync"/>.
/// </summary>
internal sealed class SendLine
{
    private LinkedList<Place>? _places;
    private Place? _fragment;

    /// <summary>Whether somebody came before.</summary>
    public bool IsEmpty => _places is null or { Count: 0 };

    /// <summary>Joins the end of the line, or its head when it is a fragment of the message under way.</summary>
    public Place Join(bool fragment)
    {
        var place = new Place();
        if (fragment)
        {
            _fragment = place;
            return place;
        }
        _places ??= new LinkedList<Place>();
        place.Node = _places.AddLast(place);
        return place;
    }

    /// <summary>Whether it is this one's turn to try.</summary>
    public bool IsFirst(Place place) => place == _fragment || _places?.First == place.Node;

    /// <summary>Leaves the line, served or not; the next one's turn comes.</summary>
    public void Leave(Place place)
    {
        if (place == _fragment) _fragment = null;
        else if (place.Node is { } node && node.List == _places) _places!.Remove(node);
        place.Node = null;
        Signal();
    }

    /// <summary>Something changed: whose turn it is tries again.</summary>
    public void Signal()
    {
        _fragment?.Signal();
        _places?.First?.Value.Signal();
    }

    /// <summary>Nothing will be sent any more: everybody is told.</summary>
    public void SignalAll()
    {
        _fragment?.Signal();
        if (_places is null) return;
        foreach (var place in _places) place.Signal();
    }

    internal sealed class Place
    {
        private TaskCompletionSource _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public LinkedListNode<Place>? Node { get; set; }

        public Task WaitAsync(CancellationToken cancellation) => Volatile.Read(ref _signal).Task.WaitAsync(cancellation);

        public void Signal() => _signal.TrySetResult();

        /// <summary>To be called with the gate held, so that no signal is missed.</summary>
        public void Rearm() => Volatile.Write(ref _signal, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
    }
}
