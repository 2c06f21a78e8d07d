namespace Sluice.Handshake;

/// <summary>
/// Whose pages may open a WebSocket. Browsers send cookies along with a handshake to any host and let the server
/// decide by the <c>Origin</c> header (RFC 6455 §4.2.2, §10.2); a server that doesn't look invites every page to act
/// in its users' names. Immutable and thread-safe.
/// </summary>
public abstract class OriginPolicy
{
    private OriginPolicy()
    {
    }

    /// <summary>
    /// The default: the origin's host and port are those of the <c>Host</c> header. Schemes are not compared, because
    /// TLS may end in front of us. A port that is missing in <c>Host</c> is the default of the request's scheme; on
    /// plain <c>http</c> it may be 443 too, for the same reason. A request without <c>Origin</c> does not come from
    /// a browser's page and is allowed; <c>null</c> and what is no origin at all are refused.
    /// </summary>
    public static OriginPolicy SameOrigin { get; } = new SameOriginPolicy();

    /// <summary>
    /// Every origin, known or not. For servers that ask for something that browsers don't send by themselves, as a
    /// token in the first message.
    /// </summary>
    public static OriginPolicy Any { get; } = new AnyPolicy();

    /// <summary>
    /// The listed origins and no other, the server's own included only if it is listed. Requests without <c>Origin</c>
    /// are allowed, as in <see cref="SameOrigin"/>.
    /// </summary>
    /// <param name="origins">
    /// Each <c>scheme://host[:port]</c>, compared without regard to case and with default ports filled in. <c>*.</c>
    /// before a host stands for one or more subdomains, not for the host itself. A single <c>*</c> is <see cref="Any"/>.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The list is empty, an entry is not an origin, or <c>*</c> stands beside others; the message says which.
    /// </exception>
    public static OriginPolicy Allow(IEnumerable<string> origins)
    {
        ArgumentNullException.ThrowIfNull(origins);
        var any = false;
        var allowed = new List<AllowedOrigin>();
        foreach (var origin in origins)
        {
            if (origin is null) throw new ArgumentException("an origin in the list is null", nameof(origins));
            if (origin == "*") any = true;
            else allowed.Add(AllowedOrigin.Parse(origin, nameof(origins)));
        }

        if (any && allowed.Count > 0)
        {
            throw new ArgumentException(
                $"\"*\" allows every origin, so {Excerpt.Of(allowed[0].ToString())} beside it means nothing; remove one of them",
                nameof(origins));
        }

        if (any) return Any;
        if (allowed.Count > 0) return new AllowPolicy([.. allowed]);
        throw new ArgumentException("the list of allowed origins is empty; name one, or use SameOrigin or Any", nameof(origins));
    }

    /// <summary>The caller's own decision, asked for every request that is otherwise in order, with or without <c>Origin</c>.</summary>
    /// <param name="allows">
    /// True lets the request in. Called on many threads at once; what it throws goes to the caller of the handshake.
    /// </param>
    public static OriginPolicy Custom(Func<HandshakeRequest, bool> allows)
    {
        ArgumentNullException.ThrowIfNull(allows);
        return new CustomPolicy(allows);
    }

    /// <summary>Whether a page of the request's origin may connect.</summary>
    public abstract bool Allows(in HandshakeRequest request);

    /// <summary>The policy in words, for logs.</summary>
    public abstract override string ToString();

    private sealed class SameOriginPolicy : OriginPolicy
    {
        public override bool Allows(in HandshakeRequest request)
        {
            if (request.Origin is null) return true;
            if (!WebOrigin.TryParse(request.Origin, out var origin) || !Authority.TryParse(request.Host, out var host)) return false;

            // Pages come over http and https; an app's or an extension's own scheme is another origin.
            if (WebOrigin.DefaultPort(origin.Scheme) is not { } usual || !origin.Authority.HasHost(host.Host)) return false;
            if (host.Port is { } port) return origin.Port == port;
            return HttpGrammar.EqualsIgnoreCase(request.Scheme, "https") ? origin.Port == 443 : origin.Port == usual;
        }

        public override string ToString() => "same origin";
    }

    private sealed class AnyPolicy : OriginPolicy
    {
        public override bool Allows(in HandshakeRequest request) => true;

        public override string ToString() => "any origin";
    }

    private sealed class AllowPolicy(AllowedOrigin[] allowed) : OriginPolicy
    {
        public override bool Allows(in HandshakeRequest request)
        {
            if (request.Origin is null) return true;
            if (!WebOrigin.TryParse(request.Origin, out var origin)) return false;
            foreach (var entry in allowed)
            {
                if (entry.Matches(origin)) return true;
            }

            return false;
        }

        public override string ToString() => string.Join(", ", (object[])allowed);
    }

    private sealed class CustomPolicy(Func<HandshakeRequest, bool> allows) : OriginPolicy
    {
        public override bool Allows(in HandshakeRequest request) => allows(request);

        public override string ToString() => "custom";
    }
}
