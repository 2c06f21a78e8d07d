using System.Reflection;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Sluice.AspNetCore.Direct;

/// <summary>
/// Finds the endpoint of a path as routing would, or leaves it to routing: where an endpoint asks for anything of HTTP's
/// (authorization, a policy, a host), where two have the same path, and for paths that need unescaping.
/// </summary>
internal sealed class DirectRoutes
{
    private readonly EndpointDataSource _endpoints;
    private readonly ParameterPolicyFactory _policies;
    private readonly bool _guarded;
    private volatile Table? _table;

    public DirectRoutes(IServiceProvider services)
    {
        _endpoints = services.GetRequiredService<EndpointDataSource>();
        _policies = services.GetRequiredService<ParameterPolicyFactory>();
        _guarded = IsGuarded(services);
        ChangeToken.OnChange(_endpoints.GetChangeToken, () => _table = null);
    }

    /// <summary>The endpoint that serves the path without HTTP; <see langword="null"/> when routing must be asked.</summary>
    public DirectEndpoint? Find(string path, out RouteValueDictionary? values)
    {
        var table = _table ??= Table.Of(_endpoints.Endpoints, _policies);
        values = null;
        if (_guarded || !IsPlain(path)) return null;
        if (table.Literals.TryGetValue(path, out var endpoint)) return endpoint;
        foreach (var route in table.Others)
        {
            if (route.Matches(path, out values)) return route.Endpoint;
        }
        return null;
    }

    // What holds for every request, whatever its endpoint says, must not be passed by.
    private static bool IsGuarded(IServiceProvider services)
        => services.GetService<IOptions<AuthorizationOptions>>()?.Value.FallbackPolicy is not null
            || (services.GetService<IOptions<HostFilteringOptions>>()?.Value.AllowedHosts is { Count: > 0 } hosts && !hosts.Contains("*"));

    // Kestrel unescapes, and takes dot segments out; routing passes over a slash at the end.
    private static bool IsPlain(string path)
        => path is ['/', ..] && !path.Contains('%', StringComparison.Ordinal) && !path.Contains("//", StringComparison.Ordinal)
            && !path.Contains("/.", StringComparison.Ordinal) && (path.Length == 1 || path[^1] != '/');

    private sealed class Table
    {
        /// <summary>Paths without a parameter; null for those that are left to routing.</summary>
        public Dictionary<string, DirectEndpoint?> Literals { get; } = new(StringComparer.OrdinalIgnoreCase);

        /// <summary>The others, in routing's order of precedence.</summary>
        public List<Route> Others { get; } = [];

        public static Table Of(IReadOnlyList<Endpoint> endpoints, ParameterPolicyFactory policies)
        {
            var table = new Table();
            var routes = endpoints.OfType<RouteEndpoint>().OrderBy(e => e.Order).ThenBy(e => e.RoutePattern.InboundPrecedence).ToList();
            // An endpoint of an unusual order may come before a more exact one: then every path takes the long way.
            var first = routes.Count == 0 ? 0 : routes[0].Order;
            foreach (var route in routes)
            {
                var direct = DirectOf(route);
                if (route.Order == first && LiteralPath(route.RoutePattern) is { } path)
                {
                    table.Literals[path] = table.Literals.ContainsKey(path) ? null : direct;
                }
                else
                {
                    table.Others.Add(new Route(route, direct, policies));
                }
            }
            return table;
        }

        private static DirectEndpoint? DirectOf(RouteEndpoint endpoint)
        {
            var direct = endpoint.Metadata.GetMetadata<DirectEndpoint>();
            return direct is not null && direct.Http == endpoint.RequestDelegate && endpoint.Metadata.All(IsHarmless) ? direct : null;
        }

        // What Map adds by itself. Anything else may be meant for a middleware, which does not run here.
        private static bool IsHarmless(object metadata)
            => metadata is DirectEndpoint or MethodInfo or IRouteDiagnosticsMetadata or IEndpointNameMetadata or IRouteNameMetadata
                or IEndpointDescriptionMetadata or IEndpointSummaryMetadata or ITagsMetadata
                || metadata.GetType().Namespace is "System.Runtime.CompilerServices" or "System.Diagnostics";

        private static string? LiteralPath(RoutePattern pattern)
        {
            var path = "";
            foreach (var segment in pattern.PathSegments)
            {
                if (segment.Parts is not [RoutePatternLiteralPart literal]) return null;
                path += "/" + literal.Content;
            }
            return path.Length == 0 ? "/" : path;
        }
    }

    private sealed class Route
    {
        private readonly Microsoft.AspNetCore.Routing.Template.TemplateMatcher _matcher;
        private readonly List<(string Parameter, IRouteConstraint Constraint)> _constraints = [];

        public Route(RouteEndpoint endpoint, DirectEndpoint? direct, ParameterPolicyFactory policies)
        {
            Endpoint = direct;
            var pattern = endpoint.RoutePattern;
            _matcher = new(new Microsoft.AspNetCore.Routing.Template.RouteTemplate(pattern), new RouteValueDictionary(pattern.Defaults));
            foreach (var (name, references) in pattern.ParameterPolicies)
            {
                foreach (var reference in references)
                {
                    if (policies.Create(pattern.GetParameter(name), reference) is IRouteConstraint constraint) _constraints.Add((name, constraint));
                }
            }
        }

        public DirectEndpoint? Endpoint { get; }

        public bool Matches(string path, out RouteValueDictionary? values)
        {
            values = [];
            if (!_matcher.TryMatch(path, values)) return false;
            foreach (var (parameter, constraint) in _constraints)
            {
                if (!constraint.Match(httpContext: null, route: null, parameter, values, RouteDirection.IncomingRequest)) return false;
            }
            return true;
        }
    }
}
