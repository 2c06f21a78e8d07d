using System.Collections.Concurrent;

namespace Sluice.Transport.Epoll;

/// <summary>
/// What others have put among a connection's features. Kestrel puts one object there under several types, the same for every
/// connection: so the types are shared, and one object is kept once. A mutable struct: keep it in a field. Not thread-safe.
/// </summary>
internal struct AddedFeatures
{
    // An application that goes on making up orders of types pays for its own arrays.
    private const int MostShared = 64;

    private static readonly ConcurrentDictionary<(Type[] Before, Type Next), Type[]> Shared = new();

    private Type[]? _types;
    private object? _value; // of all types, or Several

    public readonly int Count => _types?.Length ?? 0;

    public readonly Type TypeAt(int place) => _types![place];

    public readonly object? ValueAt(int place) => _value is Several several ? several.Values[place] : _value;

    /// <returns>-1: it was never put there.</returns>
    public readonly int Find(Type type) => _types is null ? -1 : Array.IndexOf(_types, type);

    public void Put(Type type, object? value)
    {
        var count = Count;
        var place = Find(type);
        if (place < 0)
        {
            place = count;
            _types = Extend(_types ?? [], type);
            if (count == 0) _value = value;
        }
        if (_value is not Several several)
        {
            if (ReferenceEquals(value, _value)) return;
            _value = several = new Several([.. Enumerable.Repeat(_value, count)]);
        }
        if (place == several.Values.Count) several.Values.Add(value);
        else several.Values[place] = value;
    }

    private static Type[] Extend(Type[] before, Type next)
    {
        if (Shared.TryGetValue((before, next), out var shared)) return shared;
        Type[] longer = [.. before, next];
        return Shared.Count < MostShared ? Shared.GetOrAdd((before, next), longer) : longer;
    }

    private sealed record Several(List<object?> Values);
}
