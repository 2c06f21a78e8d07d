using System.Buffers;
using System.Collections;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Sluice.Transport.Epoll;

/// <summary>What a connection offers to those above: it is its own collection of features, with room for a few of theirs.</summary>
internal sealed partial class EpollConnection : IFeatureCollection, IDuplexPipe,
    IConnectionIdFeature, IConnectionTransportFeature, IConnectionItemsFeature, IMemoryPoolFeature,
    IConnectionLifetimeFeature, IConnectionEndPointFeature, IContinuationSchedulingFeature
{
    // One replaced by null is gone: what the connection itself offers must not show behind it.
    private AddedFeatures _added;
    private IDictionary<object, object?>? _items;
    private volatile ContinuationScheduling _scheduling;

    public ContinuationScheduling Scheduling
    {
        get => _scheduling;
        set => _scheduling = value;
    }

    PipeReader IDuplexPipe.Input => _reader;

    PipeWriter IDuplexPipe.Output => _writer;

    public MemoryPool<byte> MemoryPool => _transport.MemoryPool;

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IFeatureCollection Features => this;

    bool IFeatureCollection.IsReadOnly => false;

    int IFeatureCollection.Revision => _added.Count;

    object? IFeatureCollection.this[Type key]
    {
        get => Find(key);
        set => Put(key, value);
    }

    TFeature? IFeatureCollection.Get<TFeature>()
        where TFeature : default
        => (TFeature?)Find(typeof(TFeature));

    void IFeatureCollection.Set<TFeature>(TFeature? instance)
        where TFeature : default
        => Put(typeof(TFeature), instance);

    void IConnectionLifetimeFeature.Abort()
        => Abort(new ConnectionAbortedException("The connection was aborted by the application."));

    public IEnumerator<KeyValuePair<Type, object>> GetEnumerator()
    {
        for (var i = 0; i < _added.Count; i++)
        {
            if (_added.ValueAt(i) is { } feature) yield return KeyValuePair.Create(_added.TypeAt(i), feature);
        }
        foreach (var type in Own)
        {
            if (Find(type) == (object)this) yield return KeyValuePair.Create(type, (object)this);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static readonly Type[] Own =
    [
        typeof(IConnectionIdFeature), typeof(IConnectionTransportFeature), typeof(IConnectionItemsFeature), typeof(IMemoryPoolFeature),
        typeof(IConnectionLifetimeFeature), typeof(IConnectionEndPointFeature), typeof(IContinuationSchedulingFeature),
    ];

    private object? Find(Type key)
        => _added.Find(key) is var place and >= 0 ? _added.ValueAt(place) : Array.IndexOf(Own, key) >= 0 ? this : null;

    private void Put(Type key, object? feature) => _added.Put(key, feature);
}
