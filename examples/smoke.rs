use fluctuator::*; use ensemble::*; use model::*; use system::*;
struct W; impl Watcher for W { fn finished(&self,_:u64){} fn stop(&self)->bool{false} }
fn main(){
 let a: Vec<f64> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
 let (g,nb,m)=(a[0],a[1],a[2] as u64); let order = a.get(3).copied().unwrap_or(0.0);
 let spin=Spin{asymmetry:0.0,tunnelling:2.0,coupling:1.0,initial:SpinPreparation::Ground,bath:Some(SpinBath{gamma:g,nbar:nb}),dephasing:0.0};
 let e=Experiment{model:Model::OscillatorSpins(OscillatorSpins{frequency:1.0,spins:vec![spin],oscillator_bath:None}),
 oscillator: if order>0.0 {OscillatorPreparation::Coherent(num_complex::Complex64::new(order.sqrt(),0.0))} else {OscillatorPreparation::Fock(0)}, cutoff: hilbert::Cutoff::Auto, times:(0..101).map(|i| i as f64*0.1).collect(),observables:vec![Observable::Number,Observable::NumberSquared,Observable::X,Observable::P,Observable::Inversion(0)],heating_window:[0,100]};
 let t=std::time::Instant::now();
 if m==0 { let x=master::solve(&e,&master::Limits::default(),|_|{}).unwrap(); println!("exact {:?} levels {} apps {} top {} tr {} {:?}", x.observables[0].last(), x.levels,x.applications,x.top_population,x.trace_defect,t.elapsed()); return; }
 let r=run(&e,&propagate::Tolerances::from_tolerance(1e-8),&Plan{trajectories:m,seed:1,block:64,threads:1},&W).unwrap().unwrap();
 let dt=t.elapsed().as_secs_f64();
 let i=r.layout.observable(100,0);
 println!("N(10)={} +- {}  var {} jumps {} time/traj {:.1} us  {:?}", r.tally.records.mean()[i], r.tally.records.standard_error(i), r.tally.records.variance(i), r.tally.records.mean()[r.layout.jumps(0)], dt/m as f64*1e6, r.tally.counts);
}
