namespace Sluice.Transport.Epoll;

/// <summary>What a descriptor in a loop belongs to.</summary>
internal interface IEventTarget
{
    /// <summary>Tells it from others that had its place in the table, or its descriptor, before.</summary>
    uint Generation { get; set; }

    /// <summary>Called on the loop's thread.</summary>
    /// <param name="flags">EPOLLIN and so on.</param>
    /// <param name="turn">The turn under way.</param>
    /// <returns>Whether the turn is still the calling thread's.</returns>
    bool OnEvent(uint flags, Turn turn);
}
